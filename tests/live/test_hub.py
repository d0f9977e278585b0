"""One process's open pages over a real database."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from app.database import Database
from app.live import hub as hub_module
from app.live import repository, service
from app.live.events import MOST_AGAIN, Cursor, Event
from app.live.hub import Hub, Listener, TooManyListeners
from app.localdb import LocalDatabase

TICKETS = frozenset({"tickets"})
SOON = 10.0
"""Seconds that a test waits for something that comes at once: only a failure takes this long."""


@pytest.fixture
async def hub(db: Database) -> AsyncIterator[Hub]:
    hub = Hub(db, stopping=threading.Event(), interval=0.01)
    yield hub
    await hub.close()


async def publish(db: Database, *, ticket_id: int = 12, kind: str = "receipt", reply_id: int = 5) -> None:
    async with db.transaction() as conn:
        await service.publish(conn, ticket_id=ticket_id, kind=kind, reply_id=reply_id)


async def heard(listener: Listener) -> Event:
    event = await listener.next(SOON)
    assert event is not None
    return event


async def test_a_page_hears_of_its_topics_only(hub: Hub, db: Database) -> None:
    async with hub.listen(frozenset({"ticket:12"}), None) as (listener, _):
        await publish(db, ticket_id=13)
        await publish(db, ticket_id=12, reply_id=7)
        event = await heard(listener)
    assert event.as_json() == {"id": event.id, "topic": "ticket:12", "kind": "receipt", "ticket_id": 12, "reply_id": 7}


async def test_an_event_of_a_transaction_that_commits_late_is_heard_once(hub: Hub, db: Database) -> None:
    async with hub.listen(TICKETS, None) as (listener, _):
        async with db.transaction() as late:
            await service.publish(late, ticket_id=1, kind="receipt", reply_id=1)
            await late.flush()
            await publish(db, ticket_id=2)
            assert (await heard(listener)).detail["ticket_id"] == 2
        assert (await heard(listener)).detail["ticket_id"] == 1
        await publish(db, ticket_id=3)
        assert (await heard(listener)).detail["ticket_id"] == 3


async def test_a_batch_of_many_opens_reaches_every_page_once(hub: Hub, db: Database) -> None:
    replies = {1000 + number: number for number in range(1, 201)}
    async with contextlib.AsyncExitStack() as stack:
        pages = {
            number: (await stack.enter_async_context(hub.listen(frozenset({f"ticket:{number}"}), None)))[0]
            for number in replies.values()
        }
        lists, _ = await stack.enter_async_context(hub.listen(TICKETS, None))
        async with db.transaction() as conn:
            await service.publish_receipts(conn, replies, changed={1007, 1150})
        assert [(await heard(page)).detail["reply_id"] for page in pages.values()] == list(replies)
        assert [(await heard(lists)).detail["ticket_id"] for _ in range(2)] == [7, 150]
        await publish(db, ticket_id=200, reply_id=1)
        assert (await heard(pages[200])).detail["reply_id"] == 1
        assert (await heard(lists)).detail["reply_id"] == 1


async def test_receipts_of_one_reply_that_come_together_are_told_once(hub: Hub, db: Database) -> None:
    async with hub.listen(frozenset({"ticket:1", "tickets"}), None) as (listener, _):
        async with db.transaction() as conn:
            for reply_id in (5, 6, 5, 5):
                await service.publish_receipts(conn, {reply_id: 1}, changed={6})
            for number in range(2):
                await service.publish(conn, ticket_id=1, kind="message", reply_id=number)
        events = [await heard(listener) for _ in range(7)]
        await publish(db, ticket_id=1, reply_id=5)
        after = await heard(listener)
    assert sorted((event.topic, event.detail["kind"], event.detail["reply_id"]) for event in events) == [
        ("ticket:1", "message", 0),
        ("ticket:1", "message", 1),
        ("ticket:1", "receipt", 5),
        ("ticket:1", "receipt", 6),
        ("tickets", "message", 0),
        ("tickets", "message", 1),
        ("tickets", "receipt", 6),
    ]
    assert after.detail["reply_id"] == 5


async def test_a_page_that_comes_while_one_reply_is_opened_all_the_time_is_told_once(hub: Hub, db: Database) -> None:
    for _ in range(5):
        async with db.transaction() as conn:
            for _ in range(200):
                await service.publish_receipts(conn, {5: 1}, changed=set())
    async with hub.listen(frozenset({"ticket:1"}), None) as (listener, _):
        first = await heard(listener)
        await publish(db, ticket_id=1, reply_id=6)
        second = await heard(listener)
    assert [first.detail["reply_id"], second.detail["reply_id"]] == [5, 6]


async def test_a_list_that_comes_while_many_badges_turn_gets_beyond_them(hub: Hub, db: Database) -> None:
    async def turn(replies: range) -> None:
        async with db.transaction() as conn:
            await service.publish_receipts(conn, dict.fromkeys(replies, 1), changed=set(replies))

    await turn(range(1, 1001))
    async with db.connection() as conn:
        cursor = Cursor(await repository.now(conn))
    await turn(range(1001, 1031))
    async with hub.listen(TICKETS, cursor) as (listener, known):
        told = [await heard(listener) for _ in range(MOST_AGAIN)]
        for event in told:
            cursor = known.add(event)
        await turn(range(1031, 1032))
        last = await heard(listener)
    assert {event.detail["reply_id"] for event in told} >= set(range(1001, 1031))
    assert last.detail["reply_id"] == 1031


async def test_a_poll_tells_of_one_reply_once_and_not_again(hub: Hub, db: Database) -> None:
    _, start = await hub.missed(TICKETS, None)
    async with db.transaction() as conn:
        for _ in range(20):
            await service.publish_receipts(conn, {5: 1}, changed={5})
    events, then = await hub.missed(TICKETS, start)
    assert [event.detail["reply_id"] for event in events] == [5]
    assert (await hub.missed(TICKETS, then))[0] == []


async def test_what_cannot_come_again_is_forgotten() -> None:
    noon = datetime(2026, 5, 3, 12, tzinfo=UTC)
    page = Listener(TICKETS)
    page.start(known=Cursor(noon, frozenset({1})), missed=())
    for number in range(1, 4):
        page.offer(Event(number, "tickets", noon + timedelta(seconds=number), {"number": number}))
    page.forget_before(noon + timedelta(seconds=3))
    for number in range(1, 4):
        page.offer(Event(number, "tickets", noon, {"number": number}))
    assert [(await heard(page)).detail["number"] for _ in range(4)] == [2, 3, 1, 2]
    with pytest.raises(TimeoutError):
        await page.next(0)


async def test_the_database_is_asked_only_while_somebody_listens(hub: Hub) -> None:
    assert not hub.is_polling
    async with hub.listen(TICKETS, None):
        async with hub.listen(TICKETS, None):
            assert (hub.is_polling, hub.count) == (True, 2)
        assert hub.is_polling
    assert (hub.is_polling, hub.count) == (False, 0)


async def test_a_page_goes_on_from_its_cursor_in_another_process(hub: Hub, db: Database) -> None:
    await publish(db, reply_id=1)
    async with hub.listen(TICKETS, None) as (listener, known):
        cursor = known.add(await heard(listener))
    await publish(db, reply_id=2)
    other = Hub(db, stopping=threading.Event(), interval=0.01)
    async with other.listen(TICKETS, Cursor.parse(str(cursor))) as (listener, _):
        assert (await heard(listener)).detail["reply_id"] == 2
        await publish(db, reply_id=3)
        assert (await heard(listener)).detail["reply_id"] == 3
    await other.close()


async def test_a_fresh_page_hears_of_receipts_since_it_was_rendered_but_not_of_the_message_it_shows(
    hub: Hub, db: Database
) -> None:
    await publish(db, kind="message", reply_id=1)
    await publish(db, kind="receipt", reply_id=2)
    async with hub.listen(TICKETS, None) as (listener, _):
        assert (await heard(listener)).detail["reply_id"] == 2
        await publish(db, kind="message", reply_id=3)
        assert (await heard(listener)).detail["reply_id"] == 3


async def test_a_page_that_does_not_read_is_let_go(hub: Hub, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "QUEUE", 3)
    async with hub.listen(TICKETS, None) as (slow, _), hub.listen(TICKETS, None) as (quick, _):
        for number in range(5):
            await publish(db, reply_id=number)
            assert (await heard(quick)).detail["reply_id"] == number
        assert [event and event.detail["reply_id"] for event in [await slow.next(SOON) for _ in range(4)]] == [
            0,
            1,
            2,
            None,
        ]


async def test_no_more_pages_are_taken_than_the_process_can_serve(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "MAX_LISTENERS", 1)
    async with hub.listen(TICKETS, None):
        with pytest.raises(TooManyListeners):
            async with hub.listen(TICKETS, None):
                pass
    assert hub.count == 0


async def test_every_page_is_let_go_when_the_process_is_asked_to_end(db: Database) -> None:
    stopping = threading.Event()
    hub = Hub(db, stopping=stopping, interval=3600)
    async with hub.listen(TICKETS, None) as (listener, _):
        stopping.set()
        assert await listener.next(SOON) is None
    await hub.close()


async def test_a_page_that_comes_while_the_process_ends_is_let_go_at_once(db: Database) -> None:
    stopping = threading.Event()
    stopping.set()
    hub = Hub(db, stopping=stopping)
    async with hub.listen(TICKETS, None) as (listener, _):
        assert await listener.next(SOON) is None
    await hub.close()


async def test_what_came_while_the_database_was_silent_is_told_afterwards(
    database_server: LocalDatabase, db: Database
) -> None:
    impatient = Database(database_server.url, deadline=0.3, acquire=0.3)
    hub = Hub(impatient, stopping=threading.Event(), interval=0.01)
    async with hub.listen(TICKETS, None) as (listener, _):
        database_server.pause()
        try:
            with pytest.raises(TimeoutError):
                await listener.next(1.5)
        finally:
            database_server.resume()
        await publish(db, reply_id=9)
        assert (await heard(listener)).detail["reply_id"] == 9
    await hub.close()
    await impatient.close()


async def test_more_events_than_one_page_of_rows_are_all_read(db: Database) -> None:
    for number in range(5):
        await publish(db, reply_id=number)
    async with db.connection() as conn:
        start = await conn.fetch_value("SELECT MIN(created_at) FROM live_events")
        rows = await repository.since(conn, start, limit=3)
    assert len(rows) == len({row["id"] for row in rows}) == 5


async def test_the_poll_tells_each_event_once(hub: Hub, db: Database) -> None:
    _, start = await hub.missed(TICKETS, None)
    await publish(db, reply_id=1)
    events, then = await hub.missed(TICKETS, start)
    assert [event.detail["reply_id"] for event in events] == [1]
    await publish(db, reply_id=2)
    events, last = await hub.missed(TICKETS, Cursor.parse(str(then)))
    assert [event.detail["reply_id"] for event in events] == [2]
    assert (await hub.missed(TICKETS, last))[0] == []
