"""What the module holds about people: given out, erased, and deleted with time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.database import Connection, Database
from app.hookspecs import MOST_EXPORTED, ContactData, WorkDone
from app.services import receipts
from app.sql import in_list, in_parts

DELETED = 2000
"""Rows that one piece of work deletes."""
KEEP_FAILURES = timedelta(days=30)
MONTH = timedelta(days=30)
KEEP_TOKENS = timedelta(days=2)
"""Longer than a signature is good for."""
COLUMNS = (
    "recipient_id, provider, kind, bounce, machine, happened_at, received_at, recipient, message_id, reason, code, "
    "url, user_agent, raw"
)


async def export(database: Database, contact: ContactData) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """All events of their copies, and those without a copy that name their address."""
    events: list[Mapping[str, Any]] = []
    async with database.connection() as conn:
        for condition, values in _whose(contact):
            for part in in_parts(values):
                if len(events) > MOST_EXPORTED:
                    break
                listed, parameters = in_list("value", part)
                events += await conn.fetch_all(
                    f"SELECT {COLUMNS} FROM delivery_events WHERE {condition} IN {listed} ORDER BY id LIMIT %(most)s",  # noqa: S608
                    {**parameters, "most": MOST_EXPORTED + 1 - len(events)},
                )
        failures = [
            {"provider": row["provider"], "reason": row["reason"], "raw": row["raw"], "last_at": row["last_at"]}
            for row in await _failures(conn, contact)
        ]
    return {"delivery_events": events, "delivery_events_that_could_not_be_read": failures}


async def erase(database: Database, contact: ContactData) -> WorkDone:
    """Delete one batch of them; what they say of a mail's fate stays with the mail, which names nobody then."""
    for condition, values in _whose(contact):
        for part in in_parts(values):
            listed, parameters = in_list("value", part)
            async with database.transaction() as conn:
                count = await conn.execute(
                    f"DELETE FROM delivery_events WHERE {condition} IN {listed} LIMIT {DELETED}",  # noqa: S608
                    parameters,
                )
            if count:
                return WorkDone({"delivery events": count}, done=False)
    async with database.transaction() as conn:
        await receipts.forget_machine_opens(conn, contact.recipient_ids)
        numbers = [row["id"] for row in await _failures(conn, contact)]
        if numbers:
            listed, parameters = in_list("id", numbers)
            await conn.execute(f"DELETE FROM delivery_failures WHERE id IN {listed}", parameters)  # noqa: S608
    return WorkDone({"delivery events that could not be read": len(numbers)} if numbers else {})


def _whose(contact: ContactData) -> list[tuple[str, Sequence[Any]]]:
    return [("recipient_id", contact.recipient_ids), ("recipient_id IS NULL AND recipient", contact.addresses)]


async def _failures(conn: Connection, contact: ContactData) -> list[Mapping[str, Any]]:
    """Those in which one of their addresses stands."""
    found: dict[int, Mapping[str, Any]] = {}
    for address in contact.addresses:
        rows = await conn.fetch_all(
            "SELECT id, provider, reason, raw, last_at FROM delivery_failures WHERE LOCATE(%(address)s, raw) > 0",
            {"address": address},
        )
        found |= {row["id"]: row for row in rows}
    return list(found.values())


async def purge(database: Database, *, keep_days: int, keep_raw_days: int, now: datetime) -> WorkDone:
    """One piece: old events go, of younger ones what came from the provider, then failures and tokens."""
    steps: list[tuple[str, str, datetime | None]] = [
        (
            "delivery events",
            f"DELETE FROM delivery_events WHERE received_at < %(before)s LIMIT {DELETED}",  # noqa: S608
            now - timedelta(days=keep_days) if keep_days else None,
        ),
        (
            "failures of delivery events",
            f"DELETE FROM delivery_failures WHERE last_at < %(before)s LIMIT {DELETED}",  # noqa: S608
            now - KEEP_FAILURES,
        ),
        (
            "tokens of delivery events",
            f"DELETE FROM delivery_tokens WHERE used_at < %(before)s LIMIT {DELETED}",  # noqa: S608
            now - KEEP_TOKENS,
        ),
    ]
    for words, statement, before in steps:
        if before is None:
            continue
        async with database.transaction() as conn:
            count = await conn.execute(statement, {"before": before})
        if count:
            return WorkDone({words: count}, done=False)
    if keep_raw_days and (count := await _strip(database, now - timedelta(days=keep_raw_days))):
        return WorkDone({"delivery events as they came": count}, done=False)
    if keep_days:
        async with database.transaction() as conn:
            count = await receipts.forget_machine_opens_before(conn, now - timedelta(days=keep_days))
        if count:
            return WorkDone({"opens by machines": count}, done=False)
    return WorkDone()


async def _strip(database: Database, before: datetime) -> int:
    """Take out of some older events what came from the provider; how many.

    Month by month, because most of them are done and no index says which: one statement over all would take too long.
    """
    async with database.connection() as conn:
        oldest = await conn.fetch_value("SELECT MIN(received_at) FROM delivery_events")
    while oldest is not None and before >= oldest:
        async with database.transaction() as conn:
            count = await conn.execute(
                f"""
                UPDATE delivery_events SET raw = '', user_agent = ''
                 WHERE received_at >= %(since)s AND received_at < %(before)s AND (raw <> '' OR user_agent <> '')
                 LIMIT {DELETED}
                """,  # noqa: S608
                {"since": before - MONTH, "before": before},
            )
        if count:
            return count
        before -= MONTH
    return 0
