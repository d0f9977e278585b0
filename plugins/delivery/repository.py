"""SQL of the module's tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from app.database import Connection
from app.sql import in_list, in_parts, literal
from plugins.delivery.codec import Arrived, Failure
from plugins.delivery.fields import clean
from plugins.delivery.matching import Copy

COLUMNS = (
    "event_key, provider, kind, bounce, machine, happened_at, received_at, recipient_id, unmatched, tracking_id, "
    "message_id, recipient, reason, code, url, user_agent, raw"
)
MOST_TEXT = 500_000
"""Characters of one statement; the least `max_allowed_packet` that is usual is 4 MB."""
_COPY = """
    SELECT r.id, r.tracking_id, r.email, r.email_id, e.message_id, e.reply_id, t.ticket_id,
           r.erased_at IS NOT NULL AS is_erased, FIND_IN_SET('opens', r.reports) > 0 AS has_pixel,
           FIND_IN_SET('clicks', r.reports) > 0 AS has_links,
           (e.tracking_said = 0 OR e.enable_tracking = 1) AND COALESCE(
               (SELECT c.tracking FROM contact_addresses AS a JOIN contacts AS c ON c.id = a.contact_id
                 WHERE a.email = r.email), '') <> 'refused' AS may_report
      FROM email_recipients AS r JOIN outgoing_emails AS e ON e.id = r.email_id
      LEFT JOIN ticket_replies AS t ON t.id = e.reply_id
"""


async def known_keys(conn: Connection, keys: Sequence[bytes]) -> dict[bytes, bool]:
    """Of these events those that are there, locked, and whether their copy is known."""
    found: dict[bytes, bool] = {}
    for part in in_parts(keys):
        listed = ",".join(map(literal, part))
        rows = await conn.fetch_all(
            f"SELECT event_key, recipient_id, unmatched FROM delivery_events WHERE event_key IN ({listed}) "  # noqa: S608
            "ORDER BY event_key FOR UPDATE"
        )
        found |= {row["event_key"]: row["recipient_id"] is not None for row in rows}
    return found


async def copies(conn: Connection, tracking_ids: Sequence[str], message_ids: Sequence[str]) -> list[Copy]:
    """The copies with these tracking ids, and all of the mails with these Message-IDs (without angle brackets)."""
    found: list[Copy] = []
    messages = [f"<{one}>" for one in message_ids]
    for column, values in (("r.tracking_id", tracking_ids), ("e.message_id", messages)):
        for part in in_parts(values):
            listed, parameters = in_list("id", part)
            rows = await conn.fetch_all(f"{_COPY} WHERE {column} IN {listed}", parameters)
            found += [
                Copy(
                    recipient_id=row["id"],
                    tracking_id=row["tracking_id"],
                    address=row["email"],
                    email_id=row["email_id"],
                    message_id=row["message_id"].strip("<>"),
                    reply_id=row["reply_id"],
                    ticket_id=row["ticket_id"],
                    is_erased=bool(row["is_erased"]),
                    may_report=bool(row["may_report"]),
                    has_pixel=bool(row["has_pixel"]),
                    has_links=bool(row["has_links"]),
                )
                for row in rows
            ]
    return found


async def insert_events(conn: Connection, rows: Sequence[tuple[Arrived, int | None, str]]) -> None:
    """Add events, each with its copy or why there is none. A key that is there raises IntegrityError."""
    values: list[str] = []
    length = 0
    for arrived, recipient_id, unmatched in rows:
        written = _written(arrived, recipient_id, unmatched)
        values.append(written)
        length += len(written)
        if length > MOST_TEXT:
            await _insert(conn, values)
            values, length = [], 0
    if values:
        await _insert(conn, values)


async def _insert(conn: Connection, values: Sequence[str]) -> None:
    await conn.execute(f"INSERT INTO delivery_events ({COLUMNS}) VALUES {', '.join(values)}")  # noqa: S608


def _written(arrived: Arrived, recipient_id: int | None, unmatched: str) -> str:
    event = arrived.event
    parts: tuple[str | bytes | int | datetime | None, ...] = (
        event.key,
        event.provider,
        event.kind,
        event.bounce,
        event.machine,
        event.happened_at,
        arrived.at,
        recipient_id,
        unmatched,
        event.tracking_id or "",
        event.message_id or "",
        clean(event.recipient or "", 320),
        clean(event.reason, 1000),
        clean(event.code, 100),
        clean(event.url, 2048),
        clean(event.user_agent, 1000),
        event.raw.encode("ascii", "backslashreplace").decode(),
    )
    return f"({', '.join(map(literal, parts))})"


async def set_copies(conn: Connection, found: Mapping[bytes, int]) -> None:
    """Name the copies of events that are there and had none."""
    for key, recipient_id in found.items():
        await conn.execute(
            "UPDATE delivery_events SET recipient_id = %(recipient)s, unmatched = '' WHERE event_key = %(key)s",
            {"recipient": recipient_id, "key": key},
        )


async def add_failures(conn: Connection, failures: Sequence[Failure], *, times: int = 1) -> None:
    """Keep what was not taken; the same again counts."""
    for one in failures:
        text = "\x1f".join((one.provider, one.reason, one.raw or one.at.date().isoformat()))
        await conn.execute(
            """
            INSERT INTO delivery_failures (failure_key, provider, reason, raw, times, first_at, last_at)
            VALUES (%(key)s, %(provider)s, %(reason)s, %(raw)s, %(times)s, %(at)s, %(at)s)
            ON DUPLICATE KEY UPDATE times = times + VALUES(times), last_at = GREATEST(last_at, VALUES(last_at))
            """,
            {
                "key": digest(text),
                "provider": one.provider,
                "reason": clean(one.reason, 500),
                "raw": one.raw.encode("ascii", "backslashreplace").decode(),
                "times": times,
                "at": one.at,
            },
        )


async def use_token(conn: Connection, token: str, key: bytes, at: datetime) -> bool:
    """Note that a token came with an event; False where it came with another one before."""
    values = {"token": digest(token), "key": key, "at": at}
    await conn.execute(
        """
        INSERT INTO delivery_tokens (token_hash, event_key, used_at) VALUES (%(token)s, %(key)s, %(at)s)
        ON DUPLICATE KEY UPDATE used_at = used_at
        """,
        values,
    )
    found = await conn.fetch_value("SELECT event_key FROM delivery_tokens WHERE token_hash = %(token)s", values)
    return bool(found == key)


async def set_subscription(conn: Connection, topic: str, state: str, at: datetime) -> None:
    """Keep that a topic was confirmed, or that its subscription ended."""
    await conn.execute(
        """
        INSERT INTO delivery_subscriptions (topic_hash, topic, state, changed_at)
        VALUES (%(hash)s, %(topic)s, %(state)s, %(at)s)
        ON DUPLICATE KEY UPDATE state = VALUES(state), changed_at = VALUES(changed_at)
        """,
        {"hash": digest(topic), "topic": topic, "state": state, "at": at},
    )


def digest(text: str) -> bytes:
    """16 bytes by which a text is known again."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
