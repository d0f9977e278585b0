"""Keeps the summary, in the transaction of whoever changes what it sums up.

Copies count once for what they are (`COPY_MEASURES`): what of a copy the summary holds stands with the copy, so that
counting it again adds nothing. Modules add what they count (`add`). Rows of the summary are written last in a
transaction, in one order; whoever locks a copy has it locked before.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from app.database import Connection
from app.reports import repository, rules
from app.reports.models import EVENT_MEASURES, ITEM_MEASURES, CopyCounts, ItemKey, Key, Place
from app.sql import in_parts

K = TypeVar("K")

SHARDS = 16
MOST_PLACES = 20_000
"""Copies of which a process remembers under what they are counted, some 200 bytes each."""


class Places:
    """Remembers under what copies are counted; that never changes. For one database."""

    def __init__(self, most: int = MOST_PLACES) -> None:
        self._most = most
        self._known: dict[int, Place | None] = {}

    async def of(self, conn: Connection, recipient_ids: Sequence[int]) -> dict[int, Place]:
        """By copy; settled now where it was not. Copies that are gone, or of no reply, are left out."""
        known = self._known
        found = {one: known[one] for one in recipient_ids if one in known}
        unknown = sorted(one for one in set(recipient_ids) if one not in found)
        for ids in in_parts(unknown):
            found |= await _places(conn, ids)
        known.update({one: found[one] for one in unknown if one in found})
        if len(known) > self._most:
            # Half at once: dropping one a time would cost a search of the oldest each time.
            for one in list(known)[: len(known) // 2]:
                del known[one]
        return {one: place for one, place in found.items() if place is not None}


async def count(
    conn: Connection, recipient_ids: Sequence[int], *, shard: int | None = None, wait: bool = False
) -> None:
    """Count these copies for what they are now, in the caller's transaction, which locked and changed them.

    Copies that somebody else has locked are left to them. shard: of the summary, from 0 to SHARDS - 1; drawn where it
    is not given. wait: for others too, who may not have changed what counts.
    """
    for ids in in_parts(sorted(set(recipient_ids))):
        stale = await repository.lock_stale(conn, ids, wait=wait)
        unsettled = [copy.id for copy in stale if copy.place is None]
        settled = await Places().of(conn, unsettled) if unsettled else {}
        total: defaultdict[Key, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        counted = []
        for copy in stale:
            place = copy.place or settled.get(copy.id)
            if place is not None:
                counted.append(copy)
                for key in place.rows():
                    _add(total[key], rules.difference(copy.counted, copy.flags))
        if counted:
            conn.later(repository.set_counted(counted))
            conn.later(repository.add_to_days(total, shard=_shard(shard)))


async def count_reply(conn: Connection, reply_id: int) -> None:
    """Count a reply's copies for what they are now, in the transaction that changed some of them."""
    stale = await repository.stale_of_reply(conn, reply_id)
    if stale:
        await count(conn, stale)


async def add(conn: Connection, changes: Sequence[CopyCounts], places: Places, *, shard: int | None = None) -> None:
    """For modules: add what they counted of some copies to the reports, last in their own transaction.

    Numbers below zero take back what was added before. Copies of no reply are left out. One call with hundreds of
    changes costs as many statements as one with a single change. places: one for the process. shard: like in `count`;
    transactions at the same time should have different ones.
    """
    known = await places.of(conn, [one.recipient_id for one in changes])
    days: defaultdict[Key, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    items: defaultdict[ItemKey, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    names: dict[bytes, str] = {}
    for one in changes:
        if one.recipient_id not in known:
            continue
        for key, counts, found in rows_of(one, known[one.recipient_id]):
            _add(days[key], counts)
            for kind, name, mark, of_item in found:
                names[mark] = name
                _add(items[(kind, *key, mark)], of_item)
    number = _shard(shard)
    if changed := nonzero(days):
        conn.later(repository.add_to_days(changed, shard=number))
    if changed_items := nonzero(items):
        named = {key: (names[key[-1]], counts) for key, counts in changed_items.items()}
        conn.later(repository.add_to_items(named, shard=number))


ItemRow = tuple[str, str, bytes, dict[str, int]]
"""Kind, name, hash of the name, figures."""


def rows_of(counts: CopyCounts, place: Place) -> Iterator[tuple[Key, dict[str, int], list[ItemRow]]]:
    """The rows of the summary that a module's figures of one copy go into."""
    figures = {name: value for name in EVENT_MEASURES if (value := getattr(counts, name))}
    items: list[ItemRow] = []
    for one in counts.items or ():
        name = rules.link_name(one.name) if one.kind == "link" else one.name[: rules.LONGEST_NAME]
        of_item = {measure: value for measure in ITEM_MEASURES if (value := getattr(one, measure))}
        items.append((one.kind, name, rules.item_key(name), of_item))
    for key in place.rows():
        yield key, figures, items


def nonzero(found: Mapping[K, Mapping[str, int]]) -> dict[K, dict[str, int]]:
    """The rows, and of them the figures, that are not zero."""
    left = {key: {name: value for name, value in counts.items() if value} for key, counts in found.items()}
    return {key: counts for key, counts in left.items() if counts}


async def _places(conn: Connection, ids: Sequence[int]) -> dict[int, Place | None]:
    found = await repository.places(conn, ids)
    missing = {mail_id for mail_id, of_reply, place in found.values() if of_reply and place is None}
    if missing:
        conn.later(repository.make_mails(missing))
        found = await repository.places(conn, ids)
    return {number: place for number, (_, _, place) in found.items()}


def _add(row: defaultdict[str, int], counts: Mapping[str, int]) -> None:
    for name, value in counts.items():
        row[name] += value


def _shard(given: int | None) -> int:
    return random.randrange(SHARDS) if given is None else given  # noqa: S311
