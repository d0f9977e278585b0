"""What the module holds about one person: given out, and erased."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from app.database import Connection, Database, utcnow
from app.hookspecs import MOST_EXPORTED, ContactData, WorkDone
from app.sql import in_list, in_parts
from plugins.plausible.recording.codec import BadRecord, decode
from plugins.plausible.retention import DELETED, delete_events, recipients_with_events
from plugins.plausible.sync.erasing import take_out_erased

PAGE = 500
"""Events set aside that are looked at together."""
ANSWER_WAIT = 1.0
"""Seconds between two looks at an event that is being sent; it has an outcome after two minutes at the latest."""
WAITING = "events that waited for Plausible"

Table = Sequence[Mapping[str, Any]]


async def export(database: Database, contact: ContactData) -> Mapping[str, Table]:
    """Their opens and clicks one by one, and what these add up to."""
    events: list[Mapping[str, Any]] = []
    sums: list[Mapping[str, Any]] = []
    async with database.connection() as conn:
        for ids in in_parts(contact.recipient_ids):
            if len(events) <= MOST_EXPORTED:
                events += await _events(conn, ids, MOST_EXPORTED + 1 - len(events))
            sums += await _sums(conn, ids)
        set_aside = [
            {"kind": event.kind, "occurred_at": event.occurred_at, "user_agent": event.user_agent,
             "ip_address": event.ip_address, "referrer": event.referrer, "url": event.url}
            for _, event in await _set_aside(conn, contact)
        ]  # fmt: skip
    return {"opens_and_clicks": events, "readings": sums, "events_set_aside": set_aside}


async def erase(database: Database, contact: ContactData, *, machines: bool, day: date) -> WorkDone:
    """Delete one batch of their opens and clicks; what they add up to stays with the mails, which name nobody then.

    What of it waits to be sent to Plausible leaves first. machines: whether what machines did is sent too. day: of the
    site at Plausible, on which it is counted.
    """
    for ids in in_parts(contact.recipient_ids):
        left, more = await database.run(
            lambda conn, ids=ids: take_out_erased(conn, ids, machines=machines, day=day, now=utcnow())  # type: ignore[misc]
        )
        if more and not left:
            # Somebody sends one of them right now: nobody knows what became of it until the answer is there.
            await asyncio.sleep(ANSWER_WAIT)
        if left or more:
            return WorkDone({WAITING: left} if left else {}, done=False)
    for ids in in_parts(contact.recipient_ids):
        async with database.connection() as conn:
            rows = await recipients_with_events(conn, ids, most=DELETED)
        if rows:
            return WorkDone({"opens and clicks": await delete_events(database, rows)}, done=False)
    async with database.connection() as conn:
        numbers = [number for number, _ in await _set_aside(conn, contact)]
    for ids in in_parts(contact.recipient_ids):
        await database.run(lambda conn, ids=ids: _forget(conn, ids))  # type: ignore[misc]
    if not numbers:
        return WorkDone()
    named, parameters = in_list("id", numbers)
    async with database.transaction() as conn:
        count = await conn.execute(f"DELETE FROM email_tracking_quarantine WHERE id IN {named}", parameters)  # noqa: S608
    return WorkDone({"events set aside": count})


async def _forget(conn: Connection, ids: Sequence[int]) -> None:
    """Let every process forget what it remembers of these copies."""
    named, parameters = in_list("id", ids)
    await conn.execute(
        f"""
        UPDATE email_tracking_recipients SET version = version + 1, pending_until = NULL
         WHERE recipient_id IN {named} ORDER BY recipient_id
        """,  # noqa: S608
        parameters,
    )


async def _events(conn: Connection, ids: Sequence[int], most: int) -> list[Mapping[str, Any]]:
    named, parameters = in_list("id", ids)
    return [
        *await conn.fetch_all(
            f"""
            SELECT e.recipient_id, e.event_type AS kind, e.occurred_at, e.repeats, e.event_url AS url, e.user_agent,
                   e.ip_address, e.referrer, e.class, e.confidence, e.reason, e.evidence,
                   COALESCE(e.plausible_outcome, o.state) AS plausible_outcome,
                   GREATEST(e.plausible_attempts, COALESCE(o.attempts, 0)) AS plausible_attempts,
                   e.plausible_sent, e.plausible_sent_at, o.next_attempt_at AS plausible_next_attempt_at
              FROM email_tracking_events AS e LEFT JOIN email_tracking_outbox AS o ON o.event_key = e.event_key
             WHERE e.recipient_id IN {named} ORDER BY e.recipient_id, e.id LIMIT %(most)s
            """,  # noqa: S608
            {**parameters, "most": most},
        )
    ]


async def _sums(conn: Connection, ids: Sequence[int]) -> list[Mapping[str, Any]]:
    named, parameters = in_list("id", ids)
    return [
        *await conn.fetch_all(
            f"""
            SELECT recipient_id, state, words, first_read_at, last_read_at, open_count, click_count, person_opens,
                   machine_opens, person_clicks, machine_clicks
              FROM email_tracking_recipients WHERE recipient_id IN {named} ORDER BY recipient_id
            """,  # noqa: S608
            parameters,
        )
    ]


async def _set_aside(conn: Connection, contact: ContactData) -> list[tuple[int, Any]]:
    """Rows of the quarantine that are about their copies, with the event."""
    ours: set[str] = set()
    for ids in in_parts(contact.recipient_ids):
        named, parameters = in_list("id", ids)
        rows = await conn.fetch_all(f"SELECT tracking_id FROM email_recipients WHERE id IN {named}", parameters)  # noqa: S608
        ours.update(row["tracking_id"] for row in rows)
    found, after = [], 0
    while ours:
        rows = await conn.fetch_all(
            f"SELECT id, record FROM email_tracking_quarantine WHERE id > {after} ORDER BY id LIMIT {PAGE}"  # noqa: S608
        )
        if not rows:
            break
        after = rows[-1]["id"]
        for row in rows:
            try:
                event, _ = decode(row["record"])
            except BadRecord:
                continue
            if event.tracking_id in ours:
                found.append((row["id"], event))
    return found
