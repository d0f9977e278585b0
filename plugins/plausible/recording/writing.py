"""One batch of events, in one transaction: events, sums, the daily summary, receipts, what open pages hear.

Everybody locks in this order: sums, replies, summary, copies, tickets; within each by ascending id.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database import Connection
from app.services import receipts
from app.services.receipts import Report
from app.sql import moment
from plugins.plausible.events import CLICK, OPEN, TrackingEvent
from plugins.plausible.recording import statements
from plugins.plausible.recording.copies import KnownCopies, TrackedCopy

SHARDS = 16
LANE_STEP = 5
"""Between the shards of the lanes of one process; those of its neighbours lie in between."""
LOOKUP = 500
"""Ids that are asked for at once."""


@dataclass(slots=True)
class Sum:
    """What a batch adds to one recipient or one reply. Times as `app.sql.moment` writes them: they sort as they are."""

    opens: int = 0
    first_open: str = ""
    last_open: str = ""
    clicks: int = 0
    first_click: str = ""
    last_click: str = ""

    def add(self, event: TrackingEvent, at: str) -> None:
        """Count one event; they may come in any order. at: when it was."""
        if event.kind == OPEN:
            self.opens += event.repeats
            self.first_open = at if not self.first_open or at < self.first_open else self.first_open
            self.last_open = max(at, self.last_open)
        elif event.kind == CLICK:
            self.clicks += event.repeats
            self.first_click = at if not self.first_click or at < self.first_click else self.first_click
            self.last_click = max(at, self.last_click)


@dataclass(slots=True)
class Written:
    """What a transaction did; true once it is committed."""

    outcome: dict[bytes, str]
    """By event key 'stored', 'duplicate' or 'unknown'."""
    reported: list[int]
    """The recipients whose mail was reported as read."""


async def write(
    conn: Connection, events: Sequence[TrackingEvent], known: KnownCopies, *, check_keys: bool, lane: int
) -> Written:
    """Store what of `events` belongs to tracked copies.

    known: asked before the database, and added to. check_keys: leave out events that are already there; without it an
    event that is there raises IntegrityError.
    """
    copies = await resolve(conn, [event.tracking_id for event in events], known)
    outcome = {event.key: "unknown" for event in events}
    placed: dict[bytes, tuple[TrackingEvent, TrackedCopy]] = {}
    for event in events:
        copy = copies.get(event.tracking_id)
        if copy is not None:
            placed[event.key] = (event, copy)
    if check_keys and placed:
        for key in await statements.present(conn, [event for event, _ in placed.values()]):
            del placed[key]
            outcome[key] = "duplicate"
    reported: list[int] = []
    if placed:
        add_events(conn, list(placed.values()), shard=(os.getpid() + lane * LANE_STEP) % SHARDS)
        reported = await _report(conn, list(placed.values()), known)
        outcome |= dict.fromkeys(placed, "stored")
    return Written(outcome, reported)


async def resolve(conn: Connection, tracking_ids: Sequence[str], known: KnownCopies) -> dict[str, TrackedCopy]:
    """Which copies these ids name, as far as they are tracked; what `known` does not hold is asked for and added."""
    copies = known.among(tracking_ids)
    missing = [one for one in dict.fromkeys(tracking_ids) if one not in copies]
    for start in range(0, len(missing), LOOKUP):
        found = await statements.tracked_copies(conn, missing[start : start + LOOKUP])
        known.add(found)
        copies |= found
    return copies


def add_events(conn: Connection, placed: Sequence[tuple[TrackingEvent, TrackedCopy]], *, shard: int) -> None:
    """Add events with their sums, and the daily summary."""
    recipients: defaultdict[int, Sum] = defaultdict(Sum)
    replies: defaultdict[int, Sum] = defaultdict(Sum)
    days: defaultdict[tuple[str, str], int] = defaultdict(int)
    rows: list[tuple[TrackingEvent, int, str]] = []
    for event, copy in placed:
        at = moment(event.occurred_at)
        recipients[copy.recipient_id].add(event, at)
        replies[copy.reply_id].add(event, at)
        days[at[:10], event.kind] += event.repeats
        rows.append((event, copy.recipient_id, at))
    conn.later(statements.insert_events(rows))
    conn.later(statements.add_to_recipients(recipients))
    opened = {reply_id: found for reply_id, found in replies.items() if found.opens}
    if opened:
        conn.later(statements.add_to_replies(opened))
    conn.later(statements.add_to_days(days, shard=shard))


async def _report(
    conn: Connection, placed: Sequence[tuple[TrackingEvent, TrackedCopy]], known: KnownCopies
) -> list[int]:
    # Who follows a link has read the mail, images shown or not.
    moments: defaultdict[TrackedCopy, list[datetime]] = defaultdict(list)
    for event, copy in placed:
        if copy.recipient_id not in known.reported:
            moments[copy].append(event.occurred_at)
    reports = [
        Report(copy.recipient_id, copy.reply_id, copy.ticket_id, "read", min(times), max(times))
        for copy, times in moments.items()
    ]
    await receipts.report(conn, reports, heard={copy.reply_id: copy.ticket_id for _, copy in placed})
    return [one.recipient_id for one in reports]
