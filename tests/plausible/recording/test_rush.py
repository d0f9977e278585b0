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
from plugins.plausible.recording import deferred, metrics, recorder
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.recorder import Recorder
from plugins.plausible.recording.rejudge import settle_due
from plugins.plausible.recording.settling import Settler
from plugins.plausible.recording.store import Store
from plugins.plausible.recording.watch import deferred_watch
from tests.plausible.recording import SCANNER, count, event, rows
from tests.plausible.recording.fakes import ScriptedSpool
from tests.receipts.builders import MailedReply, mailed_reply
from tests.support.reader import THUNDERBIRD

AROUND = Surroundings()
SOON = utcnow().replace(microsecond=0) + timedelta(minutes=20)


async def put(portal: Runtime, events: Sequence[TrackingEvent], *, defer: bool) -> dict[bytes, str]:
    return await Store(portal.database, KnownCopies()).put(events, defer=defer)


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
        f"words, pending_until, deferred FROM email_tracking_recipients WHERE recipient_id = {number}",
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
    waiting = await result(portal, later)
    assert len(waiting["events"]) == 13
    assert {(one["class"], one["rule"]) for one in waiting["events"]} == {("", "")}
    assert (await totals(portal), await reported(portal), waiting["badge"]) == (days, report, "Sent")
    assert await settle_due(portal.database, AROUND) == 1

    assert await result(portal, later) == await result(portal, at_once)
    assert (await result(portal, later))["badge"] == "Read"
    assert [{**one, "events": 2 * one["events"]} for one in days] == await totals(portal)
    assert [{name: 2 * int(value) for name, value in one.items()} for one in report] == await reported(portal)
    assert await settle_due(portal.database, AROUND) == 0


async def test_who_comes_next_judges_what_waits(portal: Runtime) -> None:
    at_once, later = await mailed_reply(portal.database), await mailed_reply(portal.database)
    for reply, defer in ((at_once, False), (later, True)):
        told = story(reply.recipients[0].tracking_id)
        await put(portal, told[:-1], defer=defer)
        await put(portal, told[-1:], defer=False)
    assert await result(portal, later) == await result(portal, at_once)


async def test_an_event_that_is_there_already_is_told_apart(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    told = story(reply.recipients[0].tracking_id)
    store = Store(portal.database, KnownCopies())
    await store.put(told[:5], defer=True)
    found = await store.put([*told, event("nobody")], defer=True, check_keys=True)
    assert [found[one.key] for one in told] == ["duplicate"] * 5 + ["stored"] * 8
    assert set(found.values()) == {"duplicate", "stored", "unknown"}
    # Also where nobody asked for the keys.
    assert set((await store.put(told, defer=True)).values()) == {"duplicate"}
    assert await count(portal.database, "email_tracking_events") == 13
    await settle_due(portal.database, AROUND)
    [sums] = await rows(portal.database, "SELECT open_count, click_count, deferred FROM email_tracking_recipients")
    assert sums == {"open_count": 12, "click_count": 1, "deferred": 0}


async def test_more_than_fits_into_one_transaction_is_judged_in_several(
    portal: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferred, "AT_ONCE", 5)
    replies = [await mailed_reply(portal.database) for _ in range(3)]
    told = [story(reply.recipients[0].tracking_id) for reply in replies]
    await put(portal, [one for events in told for one in events], defer=True)
    # Whoever comes in between takes what fits, and leaves the rest due.
    await put(portal, [event(replies[1].recipients[0].tracking_id, at=SOON)], defer=False)
    assert await settle_due(portal.database, AROUND) > 3
    found = await rows(portal.database, "SELECT event_count, deferred, state FROM email_tracking_recipients")
    assert [one["event_count"] for one in found] == [13, 14, 13]
    assert {(one["deferred"], one["state"]) for one in found} == {(0, "read")}
    assert await count(portal.database, "email_tracking_events WHERE rule = ''") == 0


async def test_what_was_deleted_meanwhile_is_not_waited_for(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    await put(portal, story(reply.recipients[0].tracking_id), defer=True)
    async with portal.database.transaction() as conn:
        await conn.execute("DELETE FROM email_tracking_events")
    assert await settle_due(portal.database, AROUND) == 1
    [sums] = await rows(portal.database, "SELECT deferred, pending_until, event_count FROM email_tracking_recipients")
    assert sums == {"deferred": 0, "pending_until": None, "event_count": 0}


async def test_of_somebody_who_was_erased_nothing_is_kept(portal: Runtime) -> None:
    reply, other = await mailed_reply(portal.database), await mailed_reply(portal.database)
    known = KnownCopies()
    store = Store(portal.database, known)
    first = [story(one.recipients[0].tracking_id) for one in (reply, other)]
    await store.put([one[0] for one in first], defer=True)
    await settle_due(portal.database, AROUND)
    async with portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_recipients SET erased_at = %(now)s WHERE id = %(id)s",
            {"now": utcnow(), "id": reply.recipients[0].id},
        )
    await store.put([one for events in first for one in events[1:]], defer=True)
    await settle_due(portal.database, AROUND)
    found = await rows(
        portal.database,
        "SELECT recipient_id, COUNT(*) AS events FROM email_tracking_events GROUP BY recipient_id ORDER BY 1",
    )
    assert [tuple(one.values()) for one in found] == [(reply.recipients[0].id, 1), (other.recipients[0].id, 13)]
    assert await count(portal.database, "email_tracking_recipients WHERE deferred OR pending_until IS NOT NULL") == 0


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
            await settle_due(portal.database, AROUND)
            await asyncio.sleep(0)

    done = False
    settling = [asyncio.create_task(settle()) for _ in range(2)]
    await asyncio.gather(rush(), rush())
    done = True
    await asyncio.gather(*settling)
    await settle_due(portal.database, AROUND)
    found = await rows(portal.database, "SELECT open_count, event_count, deferred FROM email_tracking_recipients")
    assert found == [{"open_count": 90, "event_count": 90, "deferred": 0}] * 3
    [reply] = await rows(portal.database, "SELECT DISTINCT email_open_count FROM ticket_replies WHERE kind = 'reply'")
    assert reply == {"email_open_count": 90}


async def test_few_are_judged_before_they_are_answered_and_many_afterwards(
    portal: Runtime, spool: ScriptedSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "CALM", 0.05)
    reply = await mailed_reply(portal.database)
    told = story(reply.recipients[0].tracking_id)
    live = Recorder(Store(portal.database, KnownCopies()), spool, bounds={"open": 30.0, "click": 30.0})
    settler = Settler(live, portal.database, AROUND)

    assert await live.record(told[1]) == "committed"
    assert (await receipts.badges([reply.reply_id]))[reply.reply_id].word == "Read"

    outcomes = await asyncio.gather(*(live.record(one) for one in told[2:]))
    assert set(outcomes) == {"committed"}
    assert await count(portal.database, "email_tracking_events") == 12
    [sums] = await rows(portal.database, "SELECT deferred > 0 AS waits FROM email_tracking_recipients")
    assert sums == {"waits": 1}

    settler.start()
    async with asyncio.timeout(20):
        while await count(portal.database, "email_tracking_recipients WHERE deferred"):
            await asyncio.sleep(0.02)
    await settler.close()
    await live.close()
    [sums] = await rows(portal.database, "SELECT open_count, click_count FROM email_tracking_recipients")
    assert sums == {"open_count": 11, "click_count": 1}


async def test_the_metrics_say_how_much_is_to_be_judged_and_for_how_long(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    watch = deferred_watch(portal.database)
    await put(portal, story(reply.recipients[0].tracking_id), defer=True)
    async with portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_tracking_recipients SET pending_until = %(at)s", {"at": utcnow() - timedelta(seconds=100)}
        )
    await watch.look()
    assert metrics.DEFERRED._value.get() == 13
    assert 100 <= metrics.DEFERRED_OLDEST._value.get() < 160
    await settle_due(portal.database, AROUND)
    await watch.look()
    assert (metrics.DEFERRED._value.get(), metrics.DEFERRED_OLDEST._value.get()) == (0, 0)
