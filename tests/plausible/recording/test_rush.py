"""Events that are stored first and judged afterwards: none is lost, and all is as if they had been judged at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from app.database import utcnow
from app.receipts import service as receipts
from app.runtime import Runtime
from plugins.plausible.events import CLICK, OPEN, TrackingEvent
from plugins.plausible.recording import arrivals, judging, metrics, recorder
from plugins.plausible.recording.codec import encode_all
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.judging import Judge
from plugins.plausible.recording.recorder import Recorder
from plugins.plausible.recording.settling import Settler
from plugins.plausible.recording.store import Store
from plugins.plausible.recording.watch import events_watch
from tests.plausible.recording import SCANNER, count, event, recorded, rows
from tests.plausible.recording.fakes import ScriptedSpool
from tests.receipts.builders import MailedReply, mailed_reply
from tests.support.reader import THUNDERBIRD

SOON = utcnow().replace(microsecond=0) + timedelta(minutes=20)


async def put(portal: Runtime, events: Sequence[TrackingEvent], *, defer: bool) -> dict[bytes, str]:
    return await Store(portal.database, KnownCopies()).put(events, defer=defer)


async def judge(portal: Runtime) -> int:
    """Judge all that waits; how many times there was some."""
    judge, done = Judge(portal.database, KnownCopies()), 0
    while await judge.some():
        done += 1
    return done


async def waiting(portal: Runtime) -> int:
    [row] = await rows(portal.database, "SELECT COALESCE(SUM(events), 0) AS events FROM email_tracking_arrivals")
    return int(row["events"])


def story(tracking_id: str) -> list[TrackingEvent]:
    """A machine that looks at once, a person who reads twice and follows a link, and a burst."""

    def at(seconds: float) -> Any:
        return SOON + timedelta(seconds=seconds)

    return [
        event(tracking_id, OPEN, at=at(0), user_agent=SCANNER),
        event(tracking_id, OPEN, at=at(300), user_agent=THUNDERBIRD, ip_address="203.0.113.0"),
        event(tracking_id, OPEN, at=at(301), user_agent=THUNDERBIRD, ip_address="203.0.113.0"),
        event(tracking_id, CLICK, at=at(330), user_agent=THUNDERBIRD, ip_address="203.0.113.0"),
        *[event(tracking_id, OPEN, at=at(600 + n), user_agent=THUNDERBIRD, ip_address="203.0.113.0") for n in range(9)],
    ]


async def result(portal: Runtime, reply: MailedReply) -> dict[str, Any]:
    """All that is made of the events of a reply's only copy."""
    number = reply.recipients[0].id
    queries = {
        "events": "event_type, occurred_at, class, rule, confidence, reason, repeats FROM email_tracking_events "
        f"WHERE recipient_id = {number} ORDER BY occurred_at, event_key",
        "sums": "open_count, first_opened_at, last_opened_at, click_count, first_clicked_at, last_clicked_at, "
        "event_count, person_opens, machine_opens, person_clicks, machine_clicks, first_read_at, last_read_at, state, "
        f"words, pending_until FROM email_tracking_recipients WHERE recipient_id = {number}",
        "reply": f"email_opened_at, email_open_count FROM ticket_replies WHERE id = {reply.reply_id}",
        "copy": f"seen, seen_at, counted FROM email_recipients WHERE id = {number}",
    }
    found: dict[str, Any] = {name: await rows(portal.database, f"SELECT {query}") for name, query in queries.items()}
    return {**found, "badge": (await receipts.badges([reply.reply_id]))[reply.reply_id].word}


async def totals(portal: Runtime) -> list[dict[str, Any]]:
    return await rows(
        portal.database,
        """
        SELECT day, event_type, class, rule, CAST(SUM(events) AS SIGNED) AS events FROM email_tracking_daily
         GROUP BY day, event_type, class, rule HAVING events <> 0 ORDER BY day, event_type, class, rule
        """,
    )


async def reported(portal: Runtime) -> list[dict[str, Any]]:
    return await rows(
        portal.database,
        "SELECT CAST(SUM(opens) AS SIGNED) AS opens, CAST(SUM(clicks) AS SIGNED) AS clicks, "
        "CAST(SUM(machine_opens) AS SIGNED) AS machines FROM report_days WHERE detailed = 0 AND tag_id = 0",
    )


async def test_what_was_deferred_comes_to_the_same_as_what_was_judged_at_once(portal: Runtime) -> None:
    at_once, later = await mailed_reply(portal.database), await mailed_reply(portal.database)
    before = await reported(portal)
    assert set((await put(portal, story(at_once.recipients[0].tracking_id), defer=False)).values()) == {"stored"}
    days, report = await totals(portal), await reported(portal)
    assert report != before

    assert set((await put(portal, story(later.recipients[0].tracking_id), defer=True)).values()) == {"stored"}
    assert await waiting(portal) == 13
    assert (await totals(portal), await reported(portal)) == (days, report)
    unjudged = await result(portal, later)
    assert (unjudged["events"], unjudged["sums"], unjudged["badge"]) == ([], [], "Sent")
    assert await judge(portal) == 1

    assert await result(portal, later) == await result(portal, at_once)
    assert (await result(portal, later))["badge"] == "Read"
    assert [{**one, "events": 2 * one["events"]} for one in days] == await totals(portal)
    assert [{name: 2 * int(value) for name, value in one.items()} for one in report] == await reported(portal)
    assert (await waiting(portal), await judge(portal)) == (0, 0)


async def test_it_does_not_matter_that_a_later_one_was_judged_first(portal: Runtime) -> None:
    at_once, later = await mailed_reply(portal.database), await mailed_reply(portal.database)
    for reply, defer in ((at_once, False), (later, True)):
        told = story(reply.recipients[0].tracking_id)
        await put(portal, told[:-1], defer=defer)
        await put(portal, told[-1:], defer=False)
    await judge(portal)
    assert await result(portal, later) == await result(portal, at_once)


async def test_all_that_a_request_tells_is_kept_while_it_waits(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    found = event(
        reply.recipients[0].tracking_id, CLICK, at=SOON, user_agent="it's \\ \"ü🦊\" \\'", ip_address="203.0.113.0",
        url="https://example.org/?a='b'&c=\\d%27", referrer="https://mail.example.org/ä",
    )  # fmt: skip
    found.repeats = 7
    await put(portal, [found], defer=True)
    assert await waiting(portal) == 7
    await judge(portal)
    [kept] = await rows(
        portal.database,
        "SELECT event_key, event_type, event_url, user_agent, ip_address, referrer, occurred_at, repeats, evidence "
        "FROM email_tracking_events",
    )
    assert tuple(kept.values()) == (
        found.key, CLICK, found.url, found.user_agent, found.ip_address, found.referrer, SOON, 7, found.evidence,
    )  # fmt: skip


async def test_what_comes_twice_is_judged_once_and_what_is_not_ours_not_at_all(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    told = story(reply.recipients[0].tracking_id)
    await put(portal, told[:5], defer=True)
    await put(portal, told[5:7], defer=False)
    assert set((await put(portal, [*told, event("nobody")], defer=True)).values()) == {"stored"}
    await put(portal, told, defer=True)
    await judge(portal)
    assert await count(portal.database, "email_tracking_events") == 13
    [sums] = await rows(portal.database, "SELECT open_count, click_count FROM email_tracking_recipients")
    assert sums == {"open_count": 12, "click_count": 1}
    # Also where it comes again when all is judged.
    await put(portal, told, defer=True)
    assert await judge(portal) == 1
    assert await count(portal.database, "email_tracking_events") == 13
    assert await waiting(portal) == 0


async def test_more_than_fits_into_one_transaction_is_judged_in_several(
    portal: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "IN_A_ROW", 5)
    monkeypatch.setattr(arrivals, "ROWS", 2)
    replies = [await mailed_reply(portal.database) for _ in range(3)]
    told = [story(reply.recipients[0].tracking_id) for reply in replies]
    await put(portal, [one for events in told for one in events], defer=True)
    await put(portal, [event(replies[1].recipients[0].tracking_id, at=SOON)], defer=False)
    assert await judge(portal) == 4
    found = await rows(portal.database, "SELECT event_count, state FROM email_tracking_recipients")
    assert [one["event_count"] for one in found] == [13, 14, 13]
    assert {one["state"] for one in found} == {"read"}


async def test_of_somebody_who_was_erased_nothing_is_kept(portal: Runtime) -> None:
    reply, other = await mailed_reply(portal.database), await mailed_reply(portal.database)
    known = KnownCopies()
    store, judge = Store(portal.database, known), Judge(portal.database, known)
    first = [story(one.recipients[0].tracking_id) for one in (reply, other)]
    await store.put([one[0] for one in first], defer=True)
    assert await judge.some()
    await store.put([one for events in first for one in events[1:]], defer=True)
    async with portal.database.transaction() as conn:
        # As the privacy job does it: other processes forget what they remember.
        await conn.execute("UPDATE email_tracking_recipients SET version = version + 1")
        await conn.execute(
            "UPDATE email_recipients SET erased_at = %(now)s WHERE id = %(id)s",
            {"now": utcnow(), "id": reply.recipients[0].id},
        )
    assert await judge.some()
    found = await rows(
        portal.database,
        "SELECT recipient_id, COUNT(*) AS events FROM email_tracking_events GROUP BY recipient_id ORDER BY 1",
    )
    assert [tuple(one.values()) for one in found] == [(reply.recipients[0].id, 1), (other.recipients[0].id, 13)]
    assert await waiting(portal) == 0


async def test_what_is_not_to_be_kept_any_more_is_taken_out_when_it_is_judged(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    await put(portal, story(reply.recipients[0].tracking_id), defer=True)

    def reduce(one: TrackingEvent) -> None:
        one.ip_address = None

    assert await Judge(portal.database, KnownCopies(), reduce=reduce).some()
    assert await rows(portal.database, "SELECT DISTINCT ip_address FROM email_tracking_events") == [
        {"ip_address": None}
    ]


async def test_one_that_the_database_refuses_is_set_aside_and_keeps_no_other(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    told = story(reply.recipients[0].tracking_id)
    told[3].kind = "clack"  # type: ignore[assignment]  # no event, and no value of the column
    told[7].url, told[7].referrer = "x", "r" * 3000  # longer than the column
    await put(portal, told, defer=True)
    assert await judge(portal) == 1
    assert await count(portal.database, "email_tracking_events") == 11
    assert await waiting(portal) == 0
    found = await rows(portal.database, "SELECT error FROM email_tracking_quarantine ORDER BY id")
    assert [one["error"] for one in found] == ["BadRecord", "DataError 1406"]


async def test_one_that_cannot_be_written_down_keeps_no_other_from_being_stored(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    told = story(reply.recipients[0].tracking_id)
    told[3].referrer = "https://example.org/\ud800"
    outcome = await put(portal, told, defer=True)
    assert outcome.pop(told[3].key) == "quarantined"
    assert set(outcome.values()) == {"stored"}
    assert await count(portal.database, "email_tracking_events") == 12


@pytest.mark.parametrize("record", ["", "{}", "[1]", '[{"kind": "open"}]', "[" * 100_000])
async def test_what_is_no_list_of_events_is_set_aside(portal: Runtime, record: str) -> None:
    reply = await mailed_reply(portal.database)
    async with portal.database.transaction() as conn:
        for one in (record, encode_all([event(reply.recipients[0].tracking_id)])):
            await conn.execute(
                "INSERT INTO email_tracking_arrivals (arrived_at, events, record) VALUES (%(now)s, 1, %(record)s)",
                {"now": utcnow(), "record": one},
            )
    assert await judge(portal) == 1
    assert await count(portal.database, "email_tracking_quarantine") == 1
    assert await count(portal.database, "email_tracking_events") == 1
    assert await waiting(portal) == 0


async def test_events_that_arrive_while_others_are_judged_are_judged_too(portal: Runtime) -> None:
    replies = [await mailed_reply(portal.database) for _ in range(3)]
    ids = [reply.recipients[0].tracking_id for reply in replies]

    async def rush() -> None:
        store = Store(portal.database, KnownCopies())
        for number in range(15):
            told = [event(one, at=SOON + timedelta(seconds=number * 30)) for one in ids for _ in range(3)]
            await store.put(told, defer=number % 5 != 4)

    async def settle() -> None:
        while not done:
            await judge(portal)
            await asyncio.sleep(0)

    done = False
    settling = [asyncio.create_task(settle()) for _ in range(2)]
    await asyncio.gather(rush(), rush())
    done = True
    await asyncio.gather(*settling)
    await judge(portal)
    found = await rows(portal.database, "SELECT open_count, event_count FROM email_tracking_recipients")
    assert found == [{"open_count": 90, "event_count": 90}] * 3
    [reply] = await rows(portal.database, "SELECT DISTINCT email_open_count FROM ticket_replies WHERE kind = 'reply'")
    assert reply == {"email_open_count": 90}
    assert await count(portal.database, "email_tracking_events") == 270


async def test_few_are_judged_before_they_are_answered_and_many_afterwards(
    portal: Runtime, spool: ScriptedSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "CALM", 0.05)
    reply = await mailed_reply(portal.database)
    told = story(reply.recipients[0].tracking_id)
    live = Recorder(Store(portal.database, KnownCopies()), spool, bounds={"open": 30.0, "click": 30.0})
    settler = Settler(live, Judge(portal.database, KnownCopies()))

    assert await recorded(live, told[1]) == "committed"
    assert (await receipts.badges([reply.reply_id]))[reply.reply_id].word == "Read"

    outcomes = await asyncio.gather(*(recorded(live, one) for one in told[2:]))
    assert set(outcomes) == {"committed"}
    assert await waiting(portal) > 0
    assert await count(portal.database, "email_tracking_events") + await waiting(portal) == 12

    settler.start()
    async with asyncio.timeout(20):
        while await waiting(portal):
            await asyncio.sleep(0.02)
    await settler.close()
    await live.close()
    [sums] = await rows(portal.database, "SELECT open_count, click_count FROM email_tracking_recipients")
    assert sums == {"open_count": 11, "click_count": 1}


@pytest.mark.parametrize("groups", [0, 1, 2])
async def test_judging_that_ends_in_the_middle_is_begun_again_and_counts_nothing_twice(
    portal: Runtime, monkeypatch: pytest.MonkeyPatch, groups: int
) -> None:
    monkeypatch.setattr(judging, "AT_ONCE", 5)
    at_once, *later = [await mailed_reply(portal.database) for _ in range(4)]
    await put(portal, story(at_once.recipients[0].tracking_id), defer=False)
    await put(portal, [one for reply in later for one in story(reply.recipients[0].tracking_id)], defer=True)
    asked = 0

    def ends() -> bool:
        nonlocal asked
        asked += 1
        return asked > groups

    assert not await Judge(portal.database, KnownCopies()).some(ends=ends)
    assert await count(portal.database, "email_tracking_events") == 13 * (1 + groups)
    assert await waiting(portal) == 39
    assert await judge(portal) == 1
    assert await waiting(portal) == 0
    expected = await result(portal, at_once)
    for reply in later:
        assert await result(portal, reply) == expected


async def test_judging_waits_while_a_rush_goes_on_and_keeps_its_rows(
    portal: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "ALIVE", 0.0)
    reply = await mailed_reply(portal.database)
    await put(portal, story(reply.recipients[0].tracking_id), defer=True)
    is_rush = True
    task = asyncio.create_task(Judge(portal.database, KnownCopies()).some(waits=lambda: is_rush))
    await asyncio.sleep(0.3)
    assert await count(portal.database, "email_tracking_events") == 0
    # Somebody else finds nothing that is free.
    assert await judge(portal) == 0
    is_rush = False
    assert await task
    assert (await result(portal, reply))["badge"] == "Read"


async def test_a_rush_for_one_copy_makes_no_long_transaction(portal: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "MOST_OF_A_COPY", 4)
    monkeypatch.setattr(judging, "AT_ONCE", 4)
    reply = await mailed_reply(portal.database)
    sizes: list[int] = []
    real = Store.put

    async def noted(self: Store, events: Sequence[TrackingEvent], **how: Any) -> dict[bytes, str]:
        sizes.append(len(events))
        return await real(self, events, **how)

    await put(portal, story(reply.recipients[0].tracking_id), defer=True)
    monkeypatch.setattr(Store, "put", noted)
    await judge(portal)
    assert sizes == [4, 4, 4, 1]
    assert await count(portal.database, "email_tracking_events") == 13


async def test_the_metrics_say_how_much_is_to_be_judged_and_for_how_long(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    watch = events_watch(portal.database)
    await put(portal, story(reply.recipients[0].tracking_id), defer=True)
    async with portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_tracking_arrivals SET arrived_at = %(at)s", {"at": utcnow() - timedelta(seconds=100)}
        )
    await watch.look()
    assert metrics.DEFERRED._value.get() == 13
    assert 100 <= metrics.DEFERRED_OLDEST._value.get() < 160
    await judge(portal)
    await watch.look()
    assert (metrics.DEFERRED._value.get(), metrics.DEFERRED_OLDEST._value.get()) == (0, 0)


async def test_the_metrics_say_who_made_the_events_of_today_whoever_judged_them(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    watch, now = events_watch(portal.database), utcnow()
    yesterday = now - timedelta(days=1)
    person = {"user_agent": THUNDERBIRD, "ip_address": "203.0.113.0"}
    events = [event(reply.recipients[0].tracking_id, OPEN, at=at, **person) for at in (yesterday, now, now)]
    await put(portal, events, defer=True)

    def shown(kind: str, name: str) -> float:
        value: float = metrics.TODAY.labels(kind, name)._value.get()
        return value

    metrics.TODAY.labels(CLICK, "bot").set(7)
    await watch.look()
    assert (shown(OPEN, "human"), shown(CLICK, "bot")) == (0, 0)
    await judge(portal)
    await watch.look()
    assert shown(OPEN, "human") == 2
