"""One batch of events, in one transaction: events, what they make of their copies, the daily summary, receipts.

Everybody locks in this order: sums, replies, summary, copies, tickets, reports; within each by ascending id. Whoever
holds a copy's sums is the only one who adds to its history, so that two processes come to the same verdict.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.database import Connection, utcnow
from app.services import receipts, reports
from app.services.receipts import Report
from app.sql import moment
from plugins.plausible.classify import Judgement, Request, State
from plugins.plausible.classify.model import PERSONS
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording import figures, statements
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.history import CopyRecord, Outcome, Sums, judge
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.taking import take
from plugins.plausible.sync import outbox
from plugins.plausible.sync.days import SiteDays

AT_ONCE = 4
"""Copies that are classified without a pause."""
SHARDS = 16
LANE_STEP = 5
"""Between the shards of the lanes of one process; those of its neighbours lie in between."""
AGAIN = timedelta(minutes=5)
"""So often at most is it said of a copy that it was read once more."""


@dataclass(slots=True)
class Written:
    """What a transaction did; true once it is committed."""

    outcome: dict[bytes, str]
    """By event key 'stored', 'duplicate' or 'unknown'."""
    records: list[CopyRecord] = field(default_factory=list)
    """What is known of the copies now."""


async def write(
    conn: Connection,
    events: Sequence[TrackingEvent],
    known: KnownCopies,
    around: Surroundings,
    *,
    check_keys: bool,
    lane: int,
) -> Written:
    """Store what of `events` belongs to tracked copies.

    known: asked before the database, and added to. check_keys: leave out events that are already there; without it an
    event that is there raises IntegrityError.
    """
    copies = known.among(event.tracking_id for event in events)
    unknown = list(dict.fromkeys(event.tracking_id for event in events if event.tracking_id not in copies))
    outcome = {event.key: "unknown" for event in events}
    place = {copy.recipient_id: copy for copy in copies.values()}
    remembered = {one: record for one in place if (record := known.record(one)) is not None}
    records, named = await take(conn, place, unknown, remembered, around)
    known.add(named)
    copies |= named
    placed: defaultdict[int, list[TrackingEvent]] = defaultdict(list)
    for event in {event.key: event for event in events}.values():
        copy = copies.get(event.tracking_id)
        if copy is not None and copy.recipient_id in records:
            placed[copy.recipient_id].append(event)
    if not placed:
        return Written(outcome)
    if check_keys:
        for key in await statements.present(conn, [event for found in placed.values() for event in found]):
            outcome[key] = "duplicate"
    now = utcnow()
    judged: list[Outcome] = []
    for number, (recipient_id, found) in enumerate(placed.items(), 1):
        if number % AT_ONCE == 0:
            # Somebody's answer may wait for this process.
            await asyncio.sleep(0)
        record = records[recipient_id]
        fresh = [event for event in found if outcome[event.key] != "duplicate"]
        if fresh:
            judged.append(judge(record, fresh, now=now))
    await save(conn, judged, around, shard=(os.getpid() + lane * LANE_STEP) % SHARDS)
    outcome |= {event.key: "stored" for one in judged for event, _ in one.stored}
    return Written(outcome, [found.after for found in judged])


async def save(conn: Connection, judged: Sequence[Outcome], around: Surroundings, *, shard: int) -> None:
    """Write down what was found out about copies whose sums are locked, and let the sync and the reports have it."""
    if not judged:
        return
    stored = [(event, one.after.copy.recipient_id, judgement) for one in judged for event, judgement in one.stored]
    changed = [(one.after.copy.recipient_id, told, judgement) for one in judged for told, judgement in one.changed]
    if stored:
        conn.later(statements.insert_events(stored))
    if changed:
        conn.later(statements.change_events(changed))
    sent_on = around.sent_on()
    if sent_on is not None:
        _send_on(conn, judged, stored, sent_on)
    conn.later(statements.set_sums([one.after for one in judged]))
    await _add_to_replies(conn, judged)
    days = _days(judged)
    if days:
        conn.later(statements.add_to_days(days, shard=shard))
    await receipts.report(
        conn,
        _reports(judged),
        heard={one.after.copy.reply_id: one.after.copy.ticket_id for one in judged if one.after.copy.reply_id},
        was={one.after.copy.recipient_id: _seen(one.before.sums) for one in judged},
        shard=shard,
    )
    await reports.add(conn, await figures.changes(conn, judged), around.places, shard=shard)


def _send_on(
    conn: Connection,
    judged: Sequence[Outcome],
    stored: Sequence[tuple[TrackingEvent, int, Judgement]],
    days: SiteDays,
) -> None:
    now = utcnow()
    if stored:
        pending = {one.after.copy.recipient_id: one.after.sums.pending_until for one in judged}
        until = {one: at for one, at in pending.items() if at is not None}
        conn.later(outbox.add(stored, now=now, until=until, midnight=days.end(now)))
    other = {
        one.after.copy.recipient_id
        for one in judged
        for told, judgement in one.changed
        if (judgement.kind in PERSONS) is not (told.judgement.kind in PERSONS)
    }
    if other:
        outbox.judge_again(conn, other, now=now, days=days)


async def _add_to_replies(conn: Connection, judged: Iterable[Outcome]) -> None:
    opens: defaultdict[int, int] = defaultdict(int)
    first_reads: dict[int, datetime] = {}
    taken_back: set[int] = set()
    for one in judged:
        reply_id, before, after = one.after.copy.reply_id, one.before.sums, one.after.sums
        if not reply_id:
            continue
        if after.open_count != before.open_count:
            opens[reply_id] += after.open_count - before.open_count
        if after.first_read_at == before.first_read_at:
            continue
        if after.first_read_at is None or (
            before.first_read_at is not None and after.first_read_at > before.first_read_at
        ):
            taken_back.add(reply_id)
            opens[reply_id] += 0  # its row is to be locked
        else:
            known = first_reads.get(reply_id)
            first_reads[reply_id] = min(known or after.first_read_at, after.first_read_at)
    if opens or first_reads:
        conn.later(statements.add_to_replies(opens, first_reads))
    if taken_back:
        await statements.recount_first_reads(conn, taken_back)


def _days(judged: Iterable[Outcome]) -> dict[tuple[str, str, str, str], int]:
    days: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    for one in judged:
        for event, judgement in one.stored:
            days[_day(event.occurred_at, event.kind, judgement)] += event.repeats
        for told, judgement in one.changed:
            request: Request = told.request
            days[_day(request.at, request.kind, told.judgement)] -= request.repeats
            days[_day(request.at, request.kind, judgement)] += request.repeats
    return {key: count for key, count in days.items() if count}


def _day(at: datetime, kind: str, judgement: Judgement) -> tuple[str, str, str, str]:
    return moment(at)[:10], kind, judgement.kind.value if judgement.rule else "", judgement.rule


def _reports(judged: Iterable[Outcome]) -> list[Report]:
    """What the badges have to hear: only where something changed."""
    reports = []
    for one in judged:
        before, after, copy = one.before.sums, one.after.sums, one.after.copy
        seen = _seen(after)
        if seen == _seen(before) and after.first_read_at == before.first_read_at and _slot(after) == _slot(before):
            continue
        at, last = after.first_read_at, after.last_read_at
        if seen == "machine":
            at, last = after.first_opened_at or after.first_clicked_at, after.last_opened_at or after.last_clicked_at
        reply_id, ticket_id = copy.reply_id or None, copy.ticket_id or None
        reports.append(Report(copy.recipient_id, reply_id, ticket_id, seen, at, last, after.words))
    return reports


def _seen(sums: Sums) -> str | None:
    if sums.state is State.REPLIED:
        # The portal itself knows who answered; this is only what the requests say.
        return "read" if sums.first_read_at is not None else None
    return {State.READ: "read", State.MACHINE: "machine"}.get(sums.state)


def _slot(sums: Sums) -> int:
    return int(sums.last_read_at.timestamp() // AGAIN.total_seconds()) if sums.last_read_at is not None else 0
