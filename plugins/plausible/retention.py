"""What of the module's data goes with time, or because the settings say so now, in small batches.

Each function does one batch and says whether more is left, so that it can be called with pauses, and again after it
was cut short. Sums on copies and replies are never touched: badges, counts and links outlive single events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from app.database import Connection, Database, Row
from app.hookspecs import WorkDone
from app.sql import derived, in_list, literal
from plugins.plausible.addresses import Addresses
from plugins.plausible.growth import TABLE, later
from plugins.plausible.recording.codec import BadRecord, decode, encode
from plugins.plausible.recording.reading import SLUG
from plugins.plausible.recording.statements import record_hash
from plugins.plausible.reducing import Traits, without_traits

DELETED = 5000
"""Rows that one transaction deletes."""
CHANGED = 1000
"""Events that one transaction changes: each has its own new values."""
FUTURE = timedelta(days=1)
"""An event further ahead than this has no true time, and is not waited for."""
AGENTS, APPLIED, SET_ASIDE = "agents", "addresses", "quarantine"
"""Passes through the tables."""


async def purge(database: Database, *, keep_days: int, keep_agents_days: int, now: datetime) -> WorkDone:
    """Delete, or reduce, one batch of what is past its time. keep_days: 0 keeps all events."""
    if keep_days:
        before = now - timedelta(days=keep_days)
        for name, work in (("events set aside", _quarantine), ("notes on mails", _notes), ("events", _events)):
            count = await work(database, before)
            if count:
                return WorkDone({name: count}, done=False)
    changed, more = await _agents(database, now - timedelta(days=keep_agents_days), now)
    return WorkDone({"user agents reduced": changed} if changed else {}, done=not more)


async def _quarantine(database: Database, before: datetime) -> int:
    async with database.transaction() as conn:
        return await conn.execute(
            f"""
            DELETE FROM email_tracking_quarantine WHERE quarantined_at < %(before)s
             ORDER BY quarantined_at LIMIT {DELETED}
            """,  # noqa: S608
            {"before": before},
        )


async def _notes(database: Database, before: datetime) -> int:
    async with database.connection() as conn:
        rows = await conn.fetch_all(
            f"""
            SELECT n.recipient_id, r.created_at < %(before)s AS due
              FROM email_copy_notes AS n JOIN email_recipients AS r ON r.id = n.recipient_id
             WHERE n.slug = '{SLUG}' ORDER BY n.recipient_id LIMIT {DELETED}
            """,  # noqa: S608
            {"before": before},
        )
    due = [row["recipient_id"] for row in rows if row["due"]]
    if not due:
        return 0
    async with database.transaction() as conn:
        return await conn.execute(
            f"DELETE FROM email_copy_notes WHERE slug = '{SLUG}' AND recipient_id IN ({_numbers(due)})"  # noqa: S608
        )


async def _events(database: Database, before: datetime) -> int:
    # The oldest rows of the months that may hold something, and not all of them: only months have an order of times.
    month = later(before.date(), 1)
    async with database.connection() as conn:
        rows = await conn.fetch_all(
            f"SELECT id, occurred_at FROM {TABLE} WHERE occurred_at < '{month}' ORDER BY id LIMIT {DELETED}"  # noqa: S608
        )
    return await delete_events(database, [row for row in rows if row["occurred_at"] < before])


async def delete_events(database: Database, rows: Sequence[Row]) -> int:
    """Delete these events (`id`, `occurred_at`); how many were there."""
    if not rows:
        return 0
    first, last = _span(rows)

    async def work(conn: Connection) -> int:
        return await conn.execute(
            f"DELETE FROM {TABLE} WHERE id IN ({_numbers(row['id'] for row in rows)}) "  # noqa: S608
            f"AND occurred_at BETWEEN {first} AND {last}"
        )

    return await database.run(work)


async def _agents(database: Database, before: datetime, now: datetime) -> tuple[int, bool]:
    """Reduce one batch; how many events, and whether there may be more."""

    async def work(conn: Connection) -> tuple[int, bool]:
        after = await _after(conn, AGENTS)
        rows = await conn.fetch_all(
            f"""
            SELECT id, recipient_id, occurred_at, user_agent, referrer, evidence FROM {TABLE}
             WHERE id > {after} ORDER BY id LIMIT {CHANGED}
            """  # noqa: S608
        )
        # In the order of ids, up to the first one whose time has not come: what is behind it is younger, but for what
        # the spool brought late, which waits a little.
        ready = next(
            (place for place, row in enumerate(rows) if before <= row["occurred_at"] < now + FUTURE), len(rows)
        )
        due, changed = rows[:ready], []
        for row in due:
            found = Traits(row["user_agent"], row["referrer"], row["evidence"])
            kept = without_traits(found)
            if kept != found:
                changed.append((row, (kept.user_agent, kept.referrer, kept.evidence)))
        await _change(conn, ("user_agent", "referrer", "evidence"), changed)
        if due:
            await _went(conn, AGENTS, due[-1]["id"])
        return len(changed), len(due) == CHANGED

    return await database.run(work)


async def apply(database: Database, addresses: Addresses) -> WorkDone:
    """Reduce one batch of stored addresses to what the settings say now: of events, then of those that are set aside.

    A run that was cut short goes on where it was; one for another mode begins anew.
    """
    name = f"{APPLIED} {addresses.mode}"

    async def events(conn: Connection) -> tuple[int, bool]:
        after = await _after(conn, name)
        rows = await conn.fetch_all(
            f"""
            SELECT id, recipient_id, occurred_at, tracking_id, ip_address FROM {TABLE}
             WHERE id > {after} ORDER BY id LIMIT {CHANGED}
            """  # noqa: S608
        )
        kept = [(row, addresses.reduced(row["ip_address"], row["tracking_id"])) for row in rows]
        changed = [(row, (value,)) for row, value in kept if value != row["ip_address"]]
        await _change(conn, ("ip_address",), changed)
        if rows:
            await _went(conn, name, rows[-1]["id"])
        return len(changed), bool(rows)

    async def set_aside(conn: Connection) -> tuple[int, bool]:
        after = await _after(conn, f"{SET_ASIDE} {addresses.mode}")
        rows = await conn.fetch_all(
            f"SELECT id, record FROM email_tracking_quarantine WHERE id > {after} ORDER BY id LIMIT {CHANGED}"  # noqa: S608
        )
        changed = 0
        for row in rows:
            record = reduced_record(row["record"], addresses)
            if record != row["record"]:
                changed += await _replace_record(conn, row["id"], record)
        if rows:
            await _went(conn, f"{SET_ASIDE} {addresses.mode}", rows[-1]["id"])
        return changed, bool(rows)

    for words, work in (("addresses of events", events), ("addresses of events set aside", set_aside)):
        changed, more = await database.run(work)
        if more:
            return WorkDone({words: changed} if changed else {}, done=False)
    async with database.transaction() as conn:
        await conn.execute("DELETE FROM email_tracking_passes WHERE name <> %(agents)s", {"agents": AGENTS})
    return WorkDone({}, done=True)


def reduced_record(record: bytes, addresses: Addresses) -> bytes:
    """A record of the spool or the quarantine with no more of its address than is kept now; what cannot be read stays.

    The order of its fields may change, its key does not.
    """
    try:
        event, unsure = decode(record)
    except BadRecord:
        return record
    kept = addresses.reduced(event.ip_address, event.tracking_id)
    if kept == event.ip_address:
        return record
    event.ip_address = kept
    return encode(event, unsure=unsure)


async def _replace_record(conn: Connection, number: int, record: bytes) -> int:
    values = {"id": number, "record": record, "hash": record_hash(record)}
    twice = await conn.fetch_value(
        "SELECT id FROM email_tracking_quarantine WHERE record_hash = %(hash)s AND id <> %(id)s", values
    )
    if twice is not None:
        return await conn.execute("DELETE FROM email_tracking_quarantine WHERE id = %(id)s", values)
    return await conn.execute(
        "UPDATE email_tracking_quarantine SET record = %(record)s, record_hash = %(hash)s WHERE id = %(id)s", values
    )


async def _change(
    conn: Connection, columns: Sequence[str], changed: Sequence[tuple[Row, Sequence[str | None]]]
) -> None:
    """Give events (`id`, `recipient_id`, `occurred_at`) new values, and let every process forget their copies."""
    if not changed:
        return
    # The sums first: whoever records takes them before the events.
    await conn.execute(
        "UPDATE email_tracking_recipients SET version = version + 1 WHERE recipient_id IN "  # noqa: S608
        f"({_numbers({row['recipient_id'] for row, _ in changed})}) ORDER BY recipient_id"
    )
    first, last = _span([row for row, _ in changed])
    rows = ((str(row["id"]), *map(_text, values)) for row, values in changed)
    await conn.execute(
        f"UPDATE {derived(('id', *columns), rows)} AS news "  # noqa: S608
        f"STRAIGHT_JOIN {TABLE} AS e FORCE INDEX (PRIMARY) ON e.id = news.id "
        f"AND e.occurred_at BETWEEN {first} AND {last} "
        f"SET {', '.join(f'e.{column} = news.{column}' for column in columns)}"
    )


def _text(value: str | None) -> str:
    return literal(value) if value is not None else "CAST(NULL AS CHAR)"


def _span(rows: Iterable[Row]) -> tuple[str, str]:
    """The first and the last time of events, as SQL: they say in which months to look."""
    times = [row["occurred_at"] for row in rows]
    return literal(min(times)), literal(max(times))


def _numbers(ids: Iterable[int]) -> str:
    return ",".join(map(str, sorted(ids)))


async def _after(conn: Connection, name: str) -> int:
    found = await conn.fetch_value(
        "SELECT after_id FROM email_tracking_passes WHERE name = %(name)s FOR UPDATE", {"name": name}
    )
    return int(found or 0)


async def _went(conn: Connection, name: str, after: int) -> None:
    await conn.execute(
        """
        INSERT INTO email_tracking_passes (name, after_id) VALUES (%(name)s, %(after)s)
        ON DUPLICATE KEY UPDATE after_id = VALUES(after_id)
        """,
        {"name": name, "after": after},
    )


async def recipients_with_events(conn: Connection, recipient_ids: Sequence[int], *, most: int) -> list[Row]:
    """The first events (`id`, `occurred_at`) of these recipients (at least one id)."""
    ids, parameters = in_list("id", recipient_ids)
    return await conn.fetch_all(
        f"SELECT id, occurred_at FROM {TABLE} WHERE recipient_id IN {ids} LIMIT %(most)s",  # noqa: S608
        {**parameters, "most": most},
    )
