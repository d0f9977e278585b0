"""What providers tell of readers, summed up by copy and given to the reports.

An event counts where no module of the portal counts the same: an open where the copy has no pixel of ours, a click
where it has no links of ours. That is settled when it comes, and its sums outlive it. Of one that does not say whether
a person or a machine did it, nobody says so here either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from app.database import Connection, Row
from app.services import reports
from app.services.reports import CopyCounts, ItemCounts, Places
from app.sql import in_parts, literal
from plugins.delivery.activity import ONE_LOOK
from plugins.delivery.matching import Copy
from plugins.delivery.model import DeliveryEvent, Matched

SUMS = ("opens", "machine_opens", "unknown_opens", "clicks", "machine_clicks", "unknown_clicks")
PREFIXES = {False: "", True: "machine_", None: "unknown_"}
WORDS = {"opened": "opens", "clicked": "clicks"}


async def count(conn: Connection, found: Sequence[tuple[Matched, Copy]]) -> None:
    """Count what of these events, by age, counts; last in the transaction that stored them."""
    told = [
        one
        for one, copy in found
        if (one.event.kind == "opened" and not copy.has_pixel) or (one.event.kind == "clicked" and not copy.has_links)
    ]
    for ids in in_parts(sorted({one.recipient_id for one in told})):
        await _count(conn, [one for one in told if one.recipient_id in set(ids)], ids)


async def _count(conn: Connection, told: Sequence[Matched], ids: Sequence[int]) -> None:
    clicked = await _lock(conn, ids)
    looks = await _looks(conn, ids)
    counted: list[Matched] = []
    for one in told:
        event = one.event
        if event.kind == "opened":
            if any(abs(event.happened_at - at) < ONE_LOOK for at in looks[one.recipient_id]):
                continue
            looks[one.recipient_id].append(event.happened_at)
        counted.append(one)
    by_copy: defaultdict[int, list[DeliveryEvent]] = defaultdict(list)
    for one in counted:
        by_copy[one.recipient_id].append(one.event)
    if not by_copy:
        return
    keys = ",".join(literal(one.event.key) for one in counted)
    await conn.execute(f"UPDATE delivery_events SET counted = 1 WHERE event_key IN ({keys}) ORDER BY event_key")  # noqa: S608
    changes = [_changes(number, events, was_clicked=clicked[number]) for number, events in sorted(by_copy.items())]
    await _add(conn, changes, by_copy)
    # Places of its own: should this be rolled back, nobody remembers what was not kept.
    await reports.add(conn, changes, Places())


def _changes(number: int, events: Sequence[DeliveryEvent], *, was_clicked: bool) -> CopyCounts:
    sums = dict.fromkeys(SUMS, 0)
    links: defaultdict[str, dict[str, int]] = defaultdict(
        lambda: {"clicks": 0, "machine_clicks": 0, "unknown_clicks": 0}
    )
    for event in events:
        name = PREFIXES[event.machine] + WORDS[event.kind]
        sums[name] += 1
        if event.kind == "clicked" and event.url:
            links[event.url][name] += 1
    items = tuple(ItemCounts("link", url, **counts) for url, counts in links.items())
    return CopyCounts(number, clicked=int(sums["clicks"] > 0 and not was_clicked), items=items, **sums)


async def _lock(conn: Connection, ids: Sequence[int]) -> dict[int, bool]:
    """Whether a person followed a link of these copies (at least one, ascending), whose sums are locked from now on."""
    rows = ",".join(f"({number})" for number in ids)
    await conn.execute(
        f"INSERT INTO delivery_readers (recipient_id) VALUES {rows} "  # noqa: S608
        "ON DUPLICATE KEY UPDATE recipient_id = VALUES(recipient_id)"
    )
    found = await conn.fetch_all(
        f"SELECT recipient_id, clicks FROM delivery_readers WHERE recipient_id IN ({_of(ids)})"  # noqa: S608
    )
    return {row["recipient_id"]: row["clicks"] > 0 for row in found}


async def _looks(conn: Connection, ids: Sequence[int]) -> defaultdict[int, list[datetime]]:
    """When these copies were opened, of what is counted."""
    rows = await conn.fetch_all(
        "SELECT recipient_id, happened_at FROM delivery_events "  # noqa: S608
        f"WHERE recipient_id IN ({_of(ids)}) AND kind = 'opened' AND counted = 1"
    )
    found: defaultdict[int, list[datetime]] = defaultdict(list)
    for row in rows:
        found[row["recipient_id"]].append(row["happened_at"])
    return found


async def _add(conn: Connection, changes: Sequence[CopyCounts], events: dict[int, list[DeliveryEvent]]) -> None:
    rows = []
    for one in changes:
        opens = [
            event.happened_at for event in events[one.recipient_id] if event.kind == "opened" and event.machine is False
        ]
        numbers = (one.recipient_id, len(events[one.recipient_id]), *(getattr(one, name) for name in SUMS))
        first, last = (literal(min(opens)), literal(max(opens))) if opens else ("NULL", "NULL")
        rows.append(f"({','.join(map(str, numbers))},{first},{last})")
    adding = ", ".join(f"{name} = {name} + VALUES({name})" for name in ("events", *SUMS))
    await conn.execute(
        f"INSERT INTO delivery_readers (recipient_id, events, {', '.join(SUMS)}, first_opened_at, last_opened_at) "  # noqa: S608
        f"VALUES {','.join(rows)} ON DUPLICATE KEY UPDATE {adding}, "
        "first_opened_at = LEAST(COALESCE(first_opened_at, VALUES(first_opened_at)), "
        "COALESCE(VALUES(first_opened_at), first_opened_at)), "
        "last_opened_at = GREATEST(COALESCE(last_opened_at, VALUES(last_opened_at)), "
        "COALESCE(VALUES(last_opened_at), last_opened_at))"
    )


async def copy_counts(conn: Connection, recipient_ids: Sequence[int]) -> list[CopyCounts]:
    """The sums of these copies; by link only where all events are there, and never of people who were erased."""
    found: list[CopyCounts] = []
    for ids in in_parts(recipient_ids):
        sums = await conn.fetch_all(
            f"""
            SELECT s.*, r.erased_at FROM delivery_readers AS s JOIN email_recipients AS r ON r.id = s.recipient_id
             WHERE s.recipient_id IN ({_of(ids)}) AND s.events > 0
            """  # noqa: S608
        )
        if not sums:
            continue
        rows = await conn.fetch_all(
            f"""
            SELECT recipient_id, kind, machine, url, COUNT(*) AS times FROM delivery_events
             WHERE recipient_id IN ({_of(ids)}) AND counted = 1 GROUP BY recipient_id, kind, machine, url
            """  # noqa: S608
        )
        events: defaultdict[int, list[Row]] = defaultdict(list)
        for row in rows:
            events[row["recipient_id"]].append(row)
        found += [
            CopyCounts(
                one["recipient_id"],
                clicked=int(one["clicks"] > 0),
                items=_items(one, events[one["recipient_id"]]),
                **{name: one[name] for name in SUMS},
            )
            for one in sums
        ]
    return found


def _items(sums: Row, events: Sequence[Row]) -> tuple[ItemCounts, ...] | None:
    if sums["erased_at"] is not None:
        return ()
    if sum(one["times"] for one in events) != sums["events"]:
        return None
    return tuple(
        ItemCounts("link", one["url"], **{f"{PREFIXES[_flag(one['machine'])]}clicks": one["times"]})
        for one in events
        if one["kind"] == "clicked" and one["url"]
    )


def _flag(machine: int | None) -> bool | None:
    return None if machine is None else bool(machine)


def _of(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))
