"""Batches that the database refuses in whole or in part, and transactions that get into each other's way."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pymysql
import pytest
import structlog

from app.database import Connection, Database, DatabaseUnavailable, utcnow
from app.localdb import LocalDatabase
from app.runtime import Runtime
from plugins.plausible.classify import Context
from plugins.plausible.events import CLICK, OPEN, TrackingEvent
from plugins.plausible.recording import statements
from plugins.plausible.recording import store as module
from plugins.plausible.recording.copies import KnownCopies, TrackedCopy
from plugins.plausible.recording.history import CopyRecord
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.store import REFUSES_ALL, Store
from plugins.plausible.recording.writing import Written, write
from tests.plausible.recording import count, event, rows
from tests.receipts.builders import MailedReply, mailed_reply


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    return await mailed_reply(portal.database, *(f"bob{number}@example.org" for number in range(5)))


@pytest.fixture
def known() -> KnownCopies:
    return KnownCopies()


@pytest.fixture
def store(portal: Runtime, known: KnownCopies) -> Store:
    return Store(portal.database, known)


class Attempts:
    """Counts transactions, and fails them as told."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.errors: list[Exception] = []

    async def __call__(self, conn: Connection, events: Sequence[TrackingEvent], **options: Any) -> Written:
        self.sizes.append(len(events))
        written = await write(conn, events, **options)
        if self.errors:
            raise self.errors.pop(0)
        return written


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> Attempts:
    attempts = Attempts()
    monkeypatch.setattr(module, "write", attempts)
    return attempts


async def totals(database: Database) -> tuple[int, int, int, int]:
    """Events, and what recipients, replies and days count of them; all must be equal."""
    [row] = await rows(
        database,
        """
        SELECT (SELECT COALESCE(SUM(repeats), 0) FROM email_tracking_events) AS events,
               (SELECT COALESCE(SUM(open_count + click_count), 0) FROM email_tracking_recipients) AS sums,
               (SELECT COALESCE(SUM(email_open_count), 0) FROM ticket_replies) AS opens,
               (SELECT COALESCE(SUM(events), 0) FROM email_tracking_daily) AS days
        """,
    )
    return int(row["events"]), int(row["sums"]), int(row["opens"]), int(row["days"])


# --- the same event twice --------------------------------------------------------------------------------------------


async def test_events_that_are_there_already_cost_the_others_one_more_transaction(
    portal: Runtime, store: Store, reply: MailedReply, attempts: Attempts
) -> None:
    events = [event(one.tracking_id) for one in reply.recipients]
    await store.put(events[1:3])
    attempts.sizes.clear()
    outcome = await store.put(events)
    assert [outcome[one.key] for one in events] == ["stored", "duplicate", "duplicate", "stored", "stored"]
    assert attempts.sizes == [5, 5]
    assert await totals(portal.database) == (5, 5, 5, 5)


@pytest.mark.parametrize("check_keys", [False, True])
async def test_the_same_event_twice_in_one_batch_counts_once(
    portal: Runtime, store: Store, reply: MailedReply, check_keys: bool
) -> None:
    once = event(reply.recipients[0].tracking_id, repeats=3)
    assert await store.put([once, once], check_keys=check_keys) == {once.key: "stored"}
    assert await totals(portal.database) == (3, 3, 3, 3)


@pytest.mark.parametrize("size", [1, 2])
async def test_an_event_that_another_transaction_stores_at_the_same_moment_is_a_duplicate(
    portal: Runtime, store: Store, reply: MailedReply, size: int
) -> None:
    events = [event(one.tracking_id) for one in reply.recipients[:size]]
    async with portal.database.transaction() as conn:
        await write(conn, events, KnownCopies(), Surroundings(), check_keys=False, lane=0)
        await conn.flush()
        task = asyncio.ensure_future(store.put(events, check_keys=True))
        await somebody_waits_for_a_lock(portal.database)
    assert set((await task).values()) == {"duplicate"}
    assert await count(portal.database, "email_tracking_quarantine") == 0
    assert await totals(portal.database) == (size,) * 4


async def somebody_waits_for_a_lock(database: Database) -> None:
    # Not from information_schema.innodb_trx, which may show what was a while ago.
    while not int((await rows(database, "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'"))[0]["Value"]):
        await asyncio.sleep(0.01)


# --- locks -----------------------------------------------------------------------------------------------------------


async def test_the_loser_of_a_deadlock_is_written_again(
    portal: Runtime, store: Store, reply: MailedReply, attempts: Attempts
) -> None:
    [bob, *_] = reply.recipients
    await store.put([event(bob.tracking_id)])
    attempts.sizes.clear()
    async with portal.database.transaction() as conn:
        # InnoDB ends the one that has changed less.
        await conn.execute(
            "INSERT INTO login_failures (account_hash, address, failed_at) SELECT UNHEX(SHA2(seq, 256)), '', NOW(6) "
            "FROM seq_1_to_1000"
        )
        await conn.execute("UPDATE ticket_replies SET body_text = 'x' WHERE id = %(id)s", {"id": reply.reply_id})
        task = asyncio.ensure_future(store.put([event(bob.tracking_id)]))
        await somebody_waits_for_a_lock(portal.database)
        await conn.execute("UPDATE email_tracking_recipients SET open_count = open_count")
    assert set((await task).values()) == {"stored"}
    assert len(attempts.sizes) == 2
    assert await totals(portal.database) == (2, 2, 2, 2)


async def test_two_processes_write_the_same_copies_in_any_order(portal: Runtime, reply: MailedReply) -> None:
    others = [await mailed_reply(portal.database) for _ in range(10)]
    ids = [one.tracking_id for made in (reply, *others) for one in made.recipients]
    chance = random.Random(4)  # noqa: S311

    async def process(lane: int) -> None:
        store = Store(portal.database, KnownCopies())
        for _ in range(15):
            await store.put([event(one) for one in chance.sample(ids, len(ids))], lane=lane)

    await asyncio.gather(process(0), process(1), process(0))
    assert await totals(portal.database) == (3 * 15 * len(ids),) * 4


def test_rows_are_locked_in_the_order_of_their_ids() -> None:
    numbers = (1003, 1001, 1002)
    records = [CopyRecord(TrackedCopy(number, 1, 1), Context()) for number in numbers]
    opens, first_reads = dict.fromkeys(numbers[:2], 1), {1002: utcnow()}
    for sql in (statements.set_sums(records), statements.add_to_replies(opens, first_reads)):
        assert re.findall(r"\b100[123]\b", sql) == ["1001", "1002", "1003"]
    days = {
        ("2026-11-21", OPEN, "bot", "library"): 1,
        ("2026-11-20", OPEN, "bot", "library"): 1,
        ("2026-11-20", CLICK, "bot", "library"): 1,
    }
    sql = statements.add_to_days(days, shard=0)
    assert sql.index("20','click'") < sql.index("20','open'") < sql.index("21','open'")


@pytest.mark.parametrize("code", [1213, 1205])
async def test_a_transaction_that_the_server_asks_to_repeat_is_repeated(
    portal: Runtime, store: Store, reply: MailedReply, attempts: Attempts, code: int
) -> None:
    attempts.errors = [pymysql.err.OperationalError(code, "try again")] * 2
    await store.put([event(one.tracking_id) for one in reply.recipients])
    assert attempts.sizes == [5, 5, 5]
    assert await totals(portal.database) == (5, 5, 5, 5)


# --- one that is at fault --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"user_agent": "lone \ud800 surrogate"},
        {"user_agent": "escaped \udcff byte"},
        {"url": "https://example.org/" + "x" * 3000},
        {"ip_address": "x" * 50},
        {"referrer": "😀" * 2100},
        {"user_agent": "x" * 70_000},
    ],
)
async def test_one_bad_event_among_fifty_costs_only_itself(
    portal: Runtime, store: Store, reply: MailedReply, fault: dict[str, Any]
) -> None:
    events = [event(reply.recipients[number % 5].tracking_id) for number in range(50)]
    bad = events[17] = event(reply.recipients[0].tracking_id, **fault)
    with structlog.testing.capture_logs() as logs:
        outcome = await store.put(events)
    assert outcome == {one.key: "quarantined" if one is bad else "stored" for one in events}
    assert await totals(portal.database) == (49, 49, 49, 49)
    [row] = await rows(portal.database, "SELECT record, error FROM email_tracking_quarantine")
    assert bad.key.hex().encode() in row["record"]
    assert row["error"] in {"UnicodeEncodeError", "DataError 1406", "OperationalError 1366", "DataError 1366"}
    assert [line["event"] for line in logs] == ["an event was set aside"]
    assert bad.tracking_id not in repr(logs)


async def test_an_event_that_is_set_aside_twice_is_there_once(
    portal: Runtime, store: Store, reply: MailedReply
) -> None:
    bad = event(reply.recipients[0].tracking_id, ip_address="x" * 50)
    for _ in range(2):
        assert await store.put([bad], check_keys=True) == {bad.key: "quarantined"}
    for _ in range(2):
        await store.set_aside(b"no event", ValueError("x"))
    assert await count(portal.database, "email_tracking_quarantine") == 2


async def test_a_memory_that_is_too_small_for_a_batch_costs_no_event(portal: Runtime, reply: MailedReply) -> None:
    known = KnownCopies(most=2)
    store = Store(portal.database, known)
    for _ in range(2):
        outcome = await store.put([event(one.tracking_id) for one in reply.recipients])
        assert set(outcome.values()) == {"stored"}


# --- all are refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(REFUSES_ALL))
async def test_errors_that_say_nothing_of_the_event_store_nothing_and_set_nothing_aside(
    portal: Runtime, store: Store, reply: MailedReply, attempts: Attempts, code: int
) -> None:
    attempts.errors = [pymysql.err.OperationalError(code, "no")] * 5
    with pytest.raises(DatabaseUnavailable):
        await store.put([event(one.tracking_id) for one in reply.recipients])
    assert set(attempts.sizes) == {5}
    assert await totals(portal.database) == (0, 0, 0, 0)
    assert await count(portal.database, "email_tracking_quarantine") == 0


@pytest.mark.parametrize(
    ("damage", "repair"),
    [
        ("RENAME TABLE email_tracking_daily TO away", "RENAME TABLE away TO email_tracking_daily"),
        (
            "ALTER TABLE email_tracking_events CHANGE COLUMN repeats times INT NOT NULL DEFAULT 1",
            "ALTER TABLE email_tracking_events CHANGE COLUMN times repeats INT NOT NULL DEFAULT 1",
        ),
    ],
)
async def test_with_a_table_of_another_release_events_wait(
    portal: Runtime, store: Store, reply: MailedReply, damage: str, repair: str
) -> None:
    events = [event(one.tracking_id) for one in reply.recipients]
    async with portal.database.connection() as conn:
        await conn.execute(damage)
        try:
            with pytest.raises(DatabaseUnavailable):
                await store.put(events)
        finally:
            await conn.execute(repair)
    assert await count(portal.database, "email_tracking_quarantine") == 0
    assert set((await store.put(events)).values()) == {"stored"}


@pytest.fixture
async def small_packets(database_server: LocalDatabase, portal: Runtime) -> AsyncIterator[Database]:
    """A server that takes at most 4 MB at once."""
    database_server.execute("SET GLOBAL max_allowed_packet = 4 << 20")
    database = portal.database.sibling(size=1, deadline=10, acquire=5)
    yield database
    await database.close()
    database_server.execute("SET GLOBAL max_allowed_packet = 64 << 20")


async def test_events_with_the_longest_headers_fit_into_what_the_server_takes(
    small_packets: Database, reply: MailedReply, attempts: Attempts
) -> None:
    store = Store(small_packets, KnownCopies())
    [bob, *_] = reply.recipients
    long: dict[str, Any] = {"user_agent": "😀" * 1000, "referrer": "'😀" * 1024, "url": "😀" * 2048}
    events = [event(bob.tracking_id, CLICK, **long) for _ in range(300)]
    assert set((await store.put(events)).values()) == {"stored"}
    assert sum(attempts.sizes) == 300
    assert await count(small_packets, "email_tracking_events") == 300


async def test_short_events_share_a_transaction(store: Store, reply: MailedReply, attempts: Attempts) -> None:
    [bob, *_] = reply.recipients
    await store.put([event(bob.tracking_id, OPEN, user_agent="Mozilla/5.0 " * 12) for _ in range(1000)])
    assert attempts.sizes == [1000]


async def test_each_event_of_a_long_batch_keeps_its_own_time(portal: Runtime, store: Store, reply: MailedReply) -> None:
    [bob, *_] = reply.recipients
    now = utcnow()
    await store.put([event(bob.tracking_id, at=now.replace(microsecond=number)) for number in (3, 1, 2)])
    found = await rows(portal.database, "SELECT occurred_at FROM email_tracking_events ORDER BY id")
    assert [row["occurred_at"].microsecond for row in found] == [3, 1, 2]
