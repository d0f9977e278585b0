"""Counts anew from the rows themselves what the summary holds, day by day, while everything goes on.

What changes a mail and what the summary has of it are in one transaction. So a look at the database as it was at one
moment shows exactly what is wrong with the summary, and that is added to it: whoever counts meanwhile loses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import date, timedelta

from app.database import Connection, Database, utcnow
from app.plugin_host import PluginHost
from app.reports import counting, repository
from app.reports import rebuild_repository as rows
from app.reports.models import ItemKey, Key, Place
from app.sql import in_parts

FIRST = date(1970, 1, 1)
PIECE = 500
"""Mails, or copies, that one transaction takes."""
OWN_SHARD = 0
"""What counting anew adds to: of days that are over nothing is left to fold."""
INTERVAL = 600.0
"""Seconds between two looks of the worker."""
FOLDED_AFTER = timedelta(days=2)
"""When the shards of a day become one: little comes after that."""


@dataclass(frozen=True)
class Progress:
    """What was done of one day."""

    day: date
    copies: int
    corrected: int
    """Figures of the summary that were wrong."""
    links_known: bool
    """Whether all events of the day's mails are still there; where not, figures by link and program stay."""


async def rebuild(database: Database, plugins: PluginHost, *, since: date | None = None) -> AsyncIterator[Progress]:
    """Count all days since `since` (UTC; None: all) anew; says after each what was wrong.

    Where it is cut short the worker goes on. Raises PluginFailed where a module cannot count; nothing is wrong then
    that was not before.
    """
    async with database.transaction() as conn:
        await rows.set_next_day(conn, since or FIRST)
    await _settle_all(database, since)
    day = await _next(database, since or FIRST)
    while day is not None:
        yield await _day(database, plugins, day)
        day = await _next(database, day + timedelta(days=1))
        async with database.transaction() as conn:
            await rows.set_next_day(conn, day)
    async with database.transaction() as conn:
        await rows.set_next_day(conn, None)


async def tend(database: Database, plugins: PluginHost) -> None:
    """The worker's part: end what was cut short or never begun, and fold the shards of days that are over."""
    async with database.connection() as conn:
        pending = await rows.next_day(conn)
    if pending is not None:
        async for _ in rebuild(database, plugins, since=pending):
            pass
    await fold(database)


async def fold(database: Database) -> None:
    """Make one row of the shards of each day that is over: a report over a year reads them all."""
    after, before = FIRST, (utcnow() - FOLDED_AFTER).date()
    while True:
        async with database.connection() as conn:
            days = await rows.days_in_shards(conn, after=after, before=before)
        if not days:
            return
        for day in days:
            await database.run(lambda conn, day=day: rows.fold(conn, day))  # type: ignore[misc]
        after = days[-1]


async def is_pending(conn: Connection) -> bool:
    """Whether days are still to be counted."""
    return await rows.next_day(conn) is not None


async def _settle_all(database: Database, since: date | None) -> None:
    """Let every mail of a reply have its place, and count its copies."""
    after = 0
    while True:
        async with database.connection() as conn:
            mails = await rows.unsettled(conn, after=after, since=since, limit=PIECE)
        if not mails:
            return

        async def work(conn: Connection, mails: list[int] = mails) -> None:
            await conn.execute(repository.make_mails(mails))
            await counting.count(conn, await rows.copies_of_mails(conn, mails), shard=OWN_SHARD, wait=True)

        await database.run(work)
        after = mails[-1]


async def _next(database: Database, day: date) -> date | None:
    async with database.connection() as conn:
        return await rows.first_day(conn, day)


async def _day(database: Database, plugins: PluginHost, day: date) -> Progress:
    async with database.connection() as conn:
        stale = await rows.stale_of_day(conn, day)
    for ids in in_parts(stale, PIECE):
        await database.run(lambda conn, ids=ids: counting.count(conn, ids, shard=OWN_SHARD, wait=True))  # type: ignore[misc]
    async with database.connection() as conn:
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await conn.execute("BEGIN")
        await rows.lock(conn)
        copies = await rows.copies_of_day(conn, day)
        found = await _wrong(conn, plugins, day, copies)
        # By another connection: newer servers let a transaction that looks at the past change nothing that is newer.
        await database.run(lambda other: _correct(other, found))
        await conn.flush("COMMIT")
    figures = [*found.days.values(), *(counts for _, counts in found.items.values())]
    return Progress(day, len(copies), sum(map(len, figures)), found.links_known)


@dataclass(frozen=True)
class _Wrong:
    """What has to be added to the summary to make it right."""

    days: dict[Key, dict[str, int]]
    items: dict[ItemKey, tuple[str, dict[str, int]]]
    links_known: bool


async def _correct(conn: Connection, found: _Wrong) -> None:
    if found.days:
        await conn.execute(repository.add_to_days(found.days, shard=OWN_SHARD))
    if found.items:
        await conn.execute(repository.add_to_items(found.items, shard=OWN_SHARD))


async def _wrong(conn: Connection, plugins: PluginHost, day: date, copies: dict[int, Place]) -> _Wrong:
    days: defaultdict[Key, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    items: defaultdict[ItemKey, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    names: dict[bytes, str] = {}
    known = True
    for place, counts in await rows.counted(conn, day):
        for key in place.rows():
            _add(days[key], counts)
    for ids in in_parts(list(copies), PIECE):
        for one in await plugins.copy_counts(conn, ids):
            if one.recipient_id not in copies:
                continue
            known = known and one.items is not None
            for key, counts, found in counting.rows_of(one, copies[one.recipient_id]):
                _add(days[key], counts)
                for kind, name, mark, of_item in found:
                    names[mark] = name
                    _add(items[(kind, *key, mark)], of_item)
    for key, counts in await rows.summed(conn, day):
        _add(days[key], counts, sign=-1)
    if known:
        for item_key, name, counts in await rows.summed_items(conn, day):
            names.setdefault(item_key[-1], name)
            _add(items[item_key], counts, sign=-1)
    return _Wrong(
        counting.nonzero(days),
        {key: (names[key[-1]], counts) for key, counts in counting.nonzero(items).items()} if known else {},
        known,
    )


def _add(total: MutableMapping[str, int], counts: Mapping[str, int], *, sign: int = 1) -> None:
    """Add figures, or take them away."""
    for name, value in counts.items():
        total[name] += sign * value
