"""SQL of receipts: reads copies, writes `email_recipients.receipt` and `tickets.last_receipt`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from app.database import Connection
from app.receipts import rules
from app.receipts.models import Copy, Report
from app.sql import derived, in_list, literal

COPY_COLUMNS = (
    "r.id, e.reply_id, r.role, r.name, r.email, r.state, r.reports, r.receipt, r.receipt_at, r.sent_at, r.smtp_text, "
    "r.created_at"
)


_BY_RANK = ", ".join(literal(receipt) for receipt in sorted(rules.RANK, key=rules.RANK.__getitem__))
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


async def copies_of(conn: Connection, reply_ids: Sequence[int]) -> list[Copy]:
    """All copies of these replies (at least one id), To before Cc before Bcc."""
    replies, parameters = in_list("reply", reply_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT {COPY_COLUMNS} FROM outgoing_emails AS e JOIN email_recipients AS r ON r.email_id = e.id
         WHERE e.reply_id IN {replies} ORDER BY e.reply_id, r.role, r.id
        """,  # noqa: S608
        parameters,
    )
    return [Copy.from_row(row) for row in rows]


def set_receipts(conn: Connection, reports: Sequence[Report]) -> None:
    """Keep what plugins reported (at least one, one per copy, by ascending id) where it outranks what is known."""
    rows = [
        (str(one.recipient_id), literal(one.receipt), str(rules.RANK[one.receipt]), literal(one.at)) for one in reports
    ]
    news = derived(("id", "receipt", "place", "receipt_at"), rows)
    conn.later(
        f"UPDATE {news} AS news STRAIGHT_JOIN email_recipients AS r ON r.id = news.id "  # noqa: S608
        "SET r.receipt = news.receipt, r.receipt_at = news.receipt_at "
        f"WHERE FIELD(COALESCE(r.receipt, ''), {_BY_RANK}) < news.place"
    )


async def refresh_tickets(conn: Connection, ticket_of: Mapping[int, int]) -> None:
    """Bring the stored badges of tickets up to date: `rules.overall` of the copies of their last reply, every receipt
    counted as visible. ticket_of: by id of the reply whose copies changed (at least one).

    The tickets' rows are locked before the copies are read, and the copies are read without locks: of two transactions
    that change two copies at once, the second waits for the first and sees its change.
    """
    tickets = ",".join(map(str, sorted(set(ticket_of.values()))))
    replies = ",".join(map(str, sorted(ticket_of)))
    conn.later(f"UPDATE tickets SET last_receipt = last_receipt WHERE id IN ({tickets}) ORDER BY id")  # noqa: S608
    # One row of JSON: reading a row for each ticket would cost more than finding it.
    found = await conn.fetch_value(
        f"""
        SELECT JSON_ARRAYAGG(JSON_ARRAY(shown.id, shown.place))
          FROM (SELECT t.id, MIN(FIELD({_STATE}, {_WORST_FIRST})) AS place
                  FROM tickets AS t
                  LEFT JOIN outgoing_emails AS e ON e.reply_id = t.last_reply_id
                  LEFT JOIN email_recipients AS r ON r.email_id = e.id
                 WHERE t.id IN ({tickets}) AND t.last_reply_id IN ({replies})
                 GROUP BY t.id) AS shown
        """  # noqa: S608
    )
    by_state: defaultdict[str | None, list[int]] = defaultdict(list)
    for ticket_id, place in json.loads(found or "[]"):
        by_state[rules.WORST_FIRST[place - 1] if place else None].append(ticket_id)
    for state, ticket_ids in by_state.items():
        ids = ",".join(map(str, sorted(ticket_ids)))
        conn.later(f"UPDATE tickets SET last_receipt = {literal(state)} WHERE id IN ({ids})")  # noqa: S608


async def ticket_of(conn: Connection, reply_id: int) -> int | None:
    """The ticket that a reply belongs to."""
    value = await conn.fetch_value("SELECT ticket_id FROM ticket_replies WHERE id = %(id)s", {"id": reply_id})
    return int(value) if value is not None else None
