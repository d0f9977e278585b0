"""SQL of receipts: what is known of copies, and what tickets store of it (`last_receipt`, `last_read_at`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.database import Connection
from app.receipts import fates, rules
from app.receipts.models import Copy, CopyPlace, CopyToContact, Fate, Known, Report, ViewedCopy
from app.receipts.news import moments_of, words_of
from app.sql import derived, in_list, literal

COPY_COLUMNS = (
    "r.id, e.reply_id, r.role, r.name, r.email, r.state, r.reports, r.receipt, r.receipt_at, r.sent_at, r.smtp_text, "
    "r.created_at, r.seen, r.seen_at, r.last_seen_at, r.seen_words, r.replied_at, r.judged, r.judged_at, "
    "r.untracked_words, r.viewed_at, r.last_viewed_at, r.fate, r.fate_at, r.fate_kind, r.fate_short, r.fate_words, "
    "r.fate_detail, r.delayed_at, r.delayed_detail, u.name AS judged_name"
)


_WORST_FIRST = ", ".join(map(literal, rules.WORST_FIRST))
_STATE = (
    "COALESCE(r.receipt, CASE "
    + " ".join(
        f"WHEN r.state = {literal(stored)} THEN "
        + ("IF(r.reports = '', 'untracked', 'sent')" if shown == "sent" else literal(shown))
        for stored, shown in rules.OF_SENDING.items()
    )
    + " END)"
)
"""`rules.state_of` in SQL, made from the same tables."""
_READ_AT = (
    "CASE r.receipt "
    "WHEN 'replied' THEN GREATEST(r.replied_at, IF(r.seen = 'read', r.last_seen_at, r.replied_at), "
    "COALESCE(r.last_viewed_at, r.replied_at)) "
    "WHEN 'viewed' THEN GREATEST(r.last_viewed_at, IF(r.seen = 'read', r.last_seen_at, r.last_viewed_at)) "
    "WHEN 'read' THEN IF(r.seen = 'read', r.last_seen_at, r.judged_at) END"
)
"""When a copy was last read, as far as is known: an answer proves it too."""


async def copies_of(conn: Connection, reply_ids: Sequence[int]) -> list[Copy]:
    """All copies of these replies (at least one id), To before Cc before Bcc."""
    replies, parameters = in_list("reply", reply_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT {COPY_COLUMNS}
          FROM outgoing_emails AS e JOIN email_recipients AS r ON r.email_id = e.id
          LEFT JOIN users AS u ON u.id = r.judged_by
         WHERE e.reply_id IN {replies} ORDER BY e.reply_id, r.role, r.id
        """,  # noqa: S608
        parameters,
    )
    return [Copy.from_row(row) for row in rows]


async def known(conn: Connection, recipient_ids: Sequence[int]) -> dict[int, Known]:
    """What is known of these copies (at least one id), by id; those that are gone are left out."""
    ids = ",".join(map(str, recipient_ids))
    # One row of JSON: reading a row for each copy would cost more than finding it.
    found = await conn.fetch_value(
        f"""
        SELECT JSON_ARRAYAGG(JSON_ARRAY(r.id, r.seen, CAST(r.seen_at AS CHAR), CAST(r.last_seen_at AS CHAR),
                                        r.seen_words, r.fate, CAST(r.fate_at AS CHAR), r.fate_kind, r.fate_short,
                                        r.fate_words, r.fate_detail, CAST(r.delayed_at AS CHAR), r.delayed_detail,
                                        r.replied_at IS NOT NULL OR r.viewed_at IS NOT NULL OR r.judged IS NOT NULL
                                        OR COALESCE(r.fate, '') IN ('bounced', 'complained')))
          FROM email_recipients AS r FORCE INDEX (PRIMARY) WHERE r.id IN ({ids})
        """  # noqa: S608
    )
    return {row[0]: _known(row) for row in json.loads(found or "[]")}


def _known(row: Sequence[Any]) -> Known:
    (
        _,
        seen,
        seen_at,
        last_seen_at,
        words,
        fate,
        fate_at,
        kind,
        short,
        fate_words,
        detail,
        delayed_at,
        delay,
        settled,
    ) = row
    told = None
    if fate is not None:
        told = Fate(fate, datetime.fromisoformat(fate_at).replace(tzinfo=UTC), kind or "", short, fate_words, detail)
    return Known(
        seen, seen_at, last_seen_at, words, told, (delayed_at, delay) if delayed_at else None, settled=bool(settled)
    )


def set_seen(conn: Connection, reports: Sequence[Report]) -> None:
    """Keep what plugins say of reading now (at least one report, one per copy, by ascending id)."""
    rows = []
    for one in reports:
        first, last = moments_of(one)
        rows.append(
            (str(one.recipient_id), literal(one.receipt), _moment(first), _moment(last), literal(words_of(one)))
        )
    news = derived(("id", "seen", "seen_at", "last_seen_at", "words"), rows)
    conn.later(
        f"UPDATE {news} AS news STRAIGHT_JOIN email_recipients AS r FORCE INDEX (PRIMARY) ON r.id = news.id "  # noqa: S608
        "SET r.seen = news.seen, r.seen_at = news.seen_at, r.last_seen_at = news.last_seen_at, "
        "r.seen_words = news.words"
    )


def set_fates(conn: Connection, reports: Sequence[Report]) -> None:
    """Keep what plugins say of mails' fates (at least one report, one per copy, by ascending id) where that counts."""
    conn.later(fates.update_fates(reports))


def set_arrived(conn: Connection, recipient_ids: Sequence[int]) -> None:
    """Keep that somebody reported these copies (at least one, ascending) as delivered, whatever comes later."""
    listed = ",".join(map(str, recipient_ids))
    conn.later(f"UPDATE email_recipients SET arrived = 1 WHERE id IN ({listed}) AND arrived = 0 ORDER BY id")  # noqa: S608


def set_delays(conn: Connection, reports: Sequence[Report]) -> None:
    """Keep what plugins say of delays (at least one report, one per copy, by ascending id) where it is later."""
    conn.later(fates.update_delays(reports))


async def refresh_tickets(conn: Connection, ticket_of: Mapping[int, int]) -> None:
    """Bring what tickets store of their last replies up to date: `rules.overall` of the copies, every receipt counted
    as visible, and when one of them was last read. ticket_of: by id of the reply whose copies changed (at least one).

    The tickets' rows are locked before the copies are read, and the copies are read without locks: of two transactions
    that change two copies at once, the second waits for the first and sees its change.
    """
    tickets = ",".join(map(str, sorted(set(ticket_of.values()))))
    replies = ",".join(map(str, sorted(ticket_of)))
    conn.later(f"UPDATE tickets SET last_receipt = last_receipt WHERE id IN ({tickets}) ORDER BY id")  # noqa: S608
    # One row of JSON: reading a row for each ticket would cost more than finding it.
    found = await conn.fetch_value(
        f"""
        SELECT JSON_ARRAYAGG(JSON_ARRAY(shown.id, shown.place, CAST(shown.read_at AS CHAR)))
          FROM (SELECT t.id, MIN(FIELD({_STATE}, {_WORST_FIRST})) AS place, MAX({_READ_AT}) AS read_at
                  FROM tickets AS t FORCE INDEX (PRIMARY)
                  LEFT JOIN outgoing_emails AS e FORCE INDEX (outgoing_emails_reply) ON e.reply_id = t.last_reply_id
                  LEFT JOIN email_recipients AS r FORCE INDEX (email_recipients_email) ON r.email_id = e.id
                 WHERE t.id IN ({tickets}) AND t.last_reply_id IN ({replies})
                 GROUP BY t.id) AS shown
        """  # noqa: S608
    )
    rows = [
        (str(number), literal(rules.WORST_FIRST[place - 1] if place else None), _moment(read_at))
        for number, place, read_at in sorted(json.loads(found or "[]"))
    ]
    if rows:
        conn.later(
            f"UPDATE {derived(('id', 'receipt', 'read_at'), rows)} AS news "  # noqa: S608
            "STRAIGHT_JOIN tickets AS t FORCE INDEX (PRIMARY) ON t.id = news.id "
            "SET t.last_receipt = news.receipt, t.last_read_at = news.read_at"
        )


async def ticket_of(conn: Connection, reply_id: int) -> int | None:
    """The ticket that a reply belongs to."""
    value = await conn.fetch_value("SELECT ticket_id FROM ticket_replies WHERE id = %(id)s", {"id": reply_id})
    return int(value) if value is not None else None


async def mail_of_message(conn: Connection, ticket_id: int, message_id: str) -> int | None:
    """The ticket's mail with this Message-ID."""
    value = await conn.fetch_value(
        """
        SELECT e.id FROM outgoing_emails AS e JOIN ticket_replies AS t ON t.id = e.reply_id
         WHERE e.message_id = %(message_id)s AND t.ticket_id = %(ticket_id)s
        """,
        {"message_id": message_id, "ticket_id": ticket_id},
    )
    return int(value) if value is not None else None


async def copies_to_contact(
    conn: Connection, *, ticket_id: int, email: str, mail_id: int | None
) -> list[CopyToContact]:
    """Copies of a ticket's mail `mail_id` that the contact with this address got; for None, of all its mails that went
    out. Newest reply first."""
    which = "e.id = %(mail_id)s" if mail_id is not None else "r.sent_at IS NOT NULL"
    rows = await conn.fetch_all(
        f"""
        SELECT r.id, e.reply_id, r.email = %(email)s AS is_exact
          FROM ticket_replies AS t
          JOIN outgoing_emails AS e ON e.reply_id = t.id
          JOIN email_recipients AS r ON r.email_id = e.id
         WHERE t.ticket_id = %(ticket_id)s AND {which}
           AND (r.email = %(email)s OR r.email IN (
                SELECT other.email FROM contact_addresses AS a
                  JOIN contact_addresses AS other ON other.contact_id = a.contact_id
                 WHERE a.email = %(email)s))
         ORDER BY t.id DESC, r.id LIMIT 100
        """,  # noqa: S608
        {"ticket_id": ticket_id, "email": email, "mail_id": mail_id},
    )
    return [CopyToContact(row["id"], row["reply_id"], bool(row["is_exact"])) for row in rows]


async def set_replied(conn: Connection, recipient_ids: Sequence[int], *, at: datetime) -> int:
    """Keep when these recipients (at least one id) first answered; how many had not before."""
    ids, parameters = in_list("id", recipient_ids)
    return await conn.execute(
        f"UPDATE email_recipients SET replied_at = %(at)s WHERE id IN {ids} AND replied_at IS NULL ORDER BY id",  # noqa: S608
        {**parameters, "at": at},
    )


async def lock_viewed(conn: Connection, recipient_ids: Sequence[int]) -> list[ViewedCopy]:
    """What is known of reading of these copies of replies (at least one id), held until the end of the transaction."""
    ids, parameters = in_list("id", recipient_ids)
    held = await conn.fetch_all(
        f"""
        SELECT r.id, r.last_viewed_at, r.seen FROM email_recipients AS r WHERE r.id IN {ids} ORDER BY r.id FOR UPDATE
        """,  # noqa: S608
        parameters,
    )
    rows = await conn.fetch_all(
        f"""
        SELECT r.id, e.reply_id, t.ticket_id FROM email_recipients AS r JOIN outgoing_emails AS e ON e.id = r.email_id
          JOIN ticket_replies AS t ON t.id = e.reply_id
         WHERE r.id IN {ids}
        """,  # noqa: S608
        parameters,
    )
    places = {row["id"]: row for row in rows}
    return [
        ViewedCopy(**places[row["id"]], last_at=row["last_viewed_at"], was_read=row["seen"] == "read")
        for row in held
        if row["id"] in places
    ]


async def set_viewed(conn: Connection, recipient_ids: Sequence[int], *, at: datetime) -> None:
    """Keep that these copies (at least one id) were read on the ticket page, the first time and now."""
    ids, parameters = in_list("id", recipient_ids)
    await conn.execute(
        f"""
        UPDATE email_recipients SET viewed_at = COALESCE(viewed_at, %(at)s), last_viewed_at = %(at)s
         WHERE id IN {ids} ORDER BY id
        """,  # noqa: S608
        {**parameters, "at": at},
    )


async def place_of_copy(conn: Connection, recipient_id: int) -> CopyPlace | None:
    """Where a copy of a reply belongs; None where there is no such copy."""
    row = await conn.fetch_one(
        """
        SELECT r.email, e.reply_id, t.ticket_id
          FROM email_recipients AS r
          JOIN outgoing_emails AS e ON e.id = r.email_id
          JOIN ticket_replies AS t ON t.id = e.reply_id
         WHERE r.id = %(id)s
        """,
        {"id": recipient_id},
    )
    return CopyPlace(**row) if row else None


async def lock_copy(conn: Connection, recipient_id: int) -> tuple[str, str | None]:
    """State of sending and verdict of a copy, held until the end of the transaction."""
    row = await conn.fetch_one(
        "SELECT state, judged FROM email_recipients WHERE id = %(id)s FOR UPDATE", {"id": recipient_id}
    )
    return (row["state"], row["judged"]) if row else ("", None)


async def set_judged(conn: Connection, recipient_id: int, verdict: str | None, *, user_id: int, at: datetime) -> None:
    """Keep an agent's verdict of a copy, or for None that there is none."""
    await conn.execute(
        """
        UPDATE email_recipients
           SET judged = %(verdict)s, judged_by = IF(%(verdict)s IS NULL, NULL, %(user_id)s),
               judged_at = IF(%(verdict)s IS NULL, NULL, %(at)s)
         WHERE id = %(id)s
        """,
        {"verdict": verdict, "user_id": user_id, "at": at, "id": recipient_id},
    )


def _moment(text: str | None) -> str:
    """A time that `app.sql.moment` or the database wrote, as a literal."""
    return f"TIMESTAMP'{text}'" if text else "NULL"
