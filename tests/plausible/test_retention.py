"""What goes with time: single events, notes, user agents; badges, counts and links do not."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.database import utcnow
from app.hookspecs import WorkDone
from app.runtime import Runtime
from plugins.plausible import retention
from plugins.plausible.client_names import NAMES
from plugins.plausible.clients import client_of, reduced
from plugins.plausible.events import CLICK, OPEN
from plugins.plausible.evidence import Evidence, pack, unpack
from plugins.plausible.recording import statements
from plugins.plausible.recording.codec import encode
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.rejudge import reclassify
from plugins.plausible.recording.store import Store
from plugins.plausible.reducing import Traits, without_traits
from tests.plausible.recording import count, event, rows, stored
from tests.receipts.builders import mailed_reply, set_copy
from tests.support.opens import (
    APPLE_AHEAD,
    APPLE_MAIL,
    BARRACUDA,
    CHROME,
    CHROME_ON_IPHONE,
    FIREFOX,
    GMAIL,
    GMAIL_AHEAD,
    OLD_CHROME,
    OUTLOOK,
    SAFARI,
    SLACK,
    THUNDERBIRD,
    YAHOO,
)

AGENTS = (
    CHROME, OLD_CHROME, FIREFOX, SAFARI, CHROME_ON_IPHONE, APPLE_MAIL, OUTLOOK, THUNDERBIRD, GMAIL, GMAIL_AHEAD, YAHOO,
    APPLE_AHEAD, SLACK, BARRACUDA, "curl/8", "Something/1", "x" * 1000,
    "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 Version/4.0 Chrome/148.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 Chrome/109.0.0.0 Safari/537.36",
)  # fmt: skip
OLD, DAY = timedelta(days=100), timedelta(days=1)


async def run_out(portal: Runtime, **settings: Any) -> dict[str, int]:
    """Purge until nothing is left; what went."""
    total: dict[str, int] = {}
    while True:
        work = await _once(portal, **settings)
        for name, number in work.counts.items():
            total[name] = total.get(name, 0) + number
        if work.done:
            return total


async def _once(portal: Runtime, *, keep_days: int = 90, keep_agents_days: int = 30) -> WorkDone:
    return await retention.purge(portal.database, keep_days=keep_days, keep_agents_days=keep_agents_days, now=utcnow())


@pytest.mark.parametrize("agent", [*AGENTS, *(marks[0] for _, _, marks in NAMES)])
@pytest.mark.parametrize("app", ["", "com.fsck.k9", "org.example.mail", "org.example.shop"])
def test_a_reduced_agent_is_read_as_the_same_program(agent: str, app: str) -> None:
    short = reduced(agent)
    assert client_of(short, app) == client_of(agent, app)
    assert reduced(short) == short
    assert len(short) < 80


def test_of_a_referer_the_host_stays_and_of_languages_that_there_were_some() -> None:
    evidence = pack(Evidence(headers=(("accept", "*/*"), ("accept-language", "de-AT,de;q=0.9")), agent_session=True))
    found = without_traits(Traits(FIREFOX, "https://webmail.example:8443/inbox?user=bob", evidence))
    assert (found.user_agent, found.referrer) == ("Firefox on Linux (gecko 145)", "https://webmail.example/")
    kept = unpack(found.evidence)
    assert kept.headers == (("accept", "*/*"), ("accept-language", "*"))
    assert kept.agent_session
    assert without_traits(found) == found
    assert (
        without_traits(Traits(None, "https://help.example/my/tickets/7", None)).referrer == "https://help.example/my/"
    )
    for nonsense in ("", "no address", "http://[::1", None):
        assert without_traits(Traits(None, nonsense, None)) == Traits(None, None, None)


async def test_events_older_than_the_days_go_and_all_that_was_summed_up_stays(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    [bob] = reply.recipients
    await set_copy(portal.database, bob.id, sent_at=utcnow() - 2 * OLD)
    for age in (OLD, 91 * DAY, 89 * DAY, 0 * DAY):
        assert await stored(portal, event(bob.tracking_id, at=utcnow() - age))
    assert await stored(portal, event(bob.tracking_id, CLICK, at=utcnow() - OLD))
    sums = "SELECT * FROM email_tracking_recipients"
    replies = "SELECT email_open_count, email_opened_at FROM ticket_replies"
    before = await rows(portal.database, sums), await rows(portal.database, replies)
    assert (await run_out(portal))["events"] == 3
    left = await rows(portal.database, "SELECT event_type, occurred_at FROM email_tracking_events ORDER BY id")
    assert len(left) == 2
    assert all(row["occurred_at"] > utcnow() - 90 * DAY for row in left)
    after = await rows(portal.database, sums)
    assert ([{**row, "version": 0} for row in after], await rows(portal.database, replies)) == (
        [{**row, "version": 0} for row in before[0]],
        before[1],
    )
    assert await run_out(portal) == {}
    async for _ in reclassify(portal.database, Surroundings()):
        pass
    [summed] = await rows(portal.database, "SELECT state, open_count, person_opens FROM email_tracking_recipients")
    assert (summed["state"], summed["open_count"]) == ("read", 4), "a badge is not taken back by age"
    assert await run_out(portal, keep_days=0) == {}, "0 keeps all"


async def test_a_late_event_with_an_old_time_is_found_behind_younger_ones(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    [bob] = reply.recipients
    assert await stored(portal, event(bob.tracking_id))
    assert await stored(portal, event(bob.tracking_id, at=utcnow() - OLD))
    assert (await run_out(portal))["events"] == 1


async def test_what_is_set_aside_and_noted_goes_too(portal: Runtime) -> None:
    old, young = await mailed_reply(portal.database), await mailed_reply(portal.database)
    await set_copy(portal.database, old.recipients[0].id, created_at=utcnow() - OLD)
    async with portal.database.transaction() as conn:
        for reply in (old, young):
            await conn.execute(
                "INSERT INTO email_copy_notes (recipient_id, slug, note) VALUES (%(id)s, 'plausible', '{}')",
                {"id": reply.recipients[0].id},
            )
        await statements.quarantine(conn, encode(event("a" * 43)), "DataError")
        await conn.execute("UPDATE email_tracking_quarantine SET quarantined_at = %(at)s", {"at": utcnow() - OLD})
        await statements.quarantine(conn, encode(event("b" * 43)), "DataError")
    assert await run_out(portal) == {"events set aside": 1, "notes on mails": 1}
    assert await rows(portal.database, "SELECT recipient_id AS id FROM email_copy_notes") == [
        {"id": young.recipients[0].id}
    ]
    assert await count(portal.database, "email_tracking_quarantine") == 1


async def test_old_agents_are_reduced_once_and_in_order(portal: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHANGED", 2)
    reply = await mailed_reply(portal.database)
    [bob] = reply.recipients
    for age in (40, 35, 31, 29, 0):
        assert await stored(
            portal, event(bob.tracking_id, at=utcnow() - age * DAY, user_agent=CHROME, referrer="https://w.example/a?b")
        )
    first = await _once(portal)
    assert (first.counts, first.done) == ({"user agents reduced": 2}, False)
    assert await run_out(portal) == {"user agents reduced": 1}
    found = await rows(portal.database, "SELECT user_agent, referrer FROM email_tracking_events ORDER BY id")
    assert [row["user_agent"] for row in found] == ["Chrome on Windows (chromium 149)"] * 3 + [CHROME] * 2
    assert [row["referrer"] for row in found] == ["https://w.example/"] * 3 + ["https://w.example/a?b"] * 2
    assert await run_out(portal) == {}


async def test_a_time_in_the_far_future_holds_up_nobody(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    [bob] = reply.recipients
    for at in (utcnow() + 400 * DAY, utcnow() - 40 * DAY):
        assert await stored(portal, event(bob.tracking_id, at=at, user_agent=CHROME))
    assert await run_out(portal) == {"user agents reduced": 2}


@pytest.mark.parametrize("agents", [AGENTS[:9], AGENTS[9:]], ids=["persons", "machines"])
async def test_reclassifying_reduced_events_changes_nothing(portal: Runtime, agents: tuple[str, ...]) -> None:
    reply = await mailed_reply(portal.database)
    [bob] = reply.recipients
    await set_copy(portal.database, bob.id, sent_at=utcnow() - OLD, sending_at=utcnow() - OLD)
    headers = (("accept", "image/avif,*/*;q=0.8"), ("accept-language", "de-AT"))
    evidence = pack(Evidence(headers=headers))
    for number, agent in enumerate(agents):
        at = utcnow() - 50 * DAY + timedelta(minutes=7 * number)
        for kind in (OPEN, CLICK):
            one = event(bob.tracking_id, kind, at=at, user_agent=agent, evidence=evidence, ip_address="203.0.113.0")
            assert await stored(portal, one)
    await _settled(portal)
    judged = "SELECT class, rule, confidence, reason FROM email_tracking_events ORDER BY id"
    sums = (
        "SELECT state, words, person_opens, machine_opens, first_read_at, last_read_at FROM email_tracking_recipients"
    )
    before = await rows(portal.database, judged), await rows(portal.database, sums)
    assert (await run_out(portal))["user agents reduced"] > 0
    await _settled(portal)
    assert (await rows(portal.database, judged), await rows(portal.database, sums)) == before


async def _settled(portal: Runtime) -> None:
    async for _ in reclassify(portal.database, Surroundings(), afresh=True):
        pass


async def test_a_process_that_remembers_the_full_agent_still_judges_its_events_again(portal: Runtime) -> None:
    """It finds events by their agent; what it remembers must not be older than the table."""
    reply = await mailed_reply(portal.database)
    [bob] = reply.recipients
    await set_copy(portal.database, bob.id, sent_at=utcnow() - OLD)
    store = Store(portal.database, KnownCopies())
    at = utcnow() - 50 * DAY
    await store.put([event(bob.tracking_id, at=at, user_agent=CHROME)])
    await run_out(portal)
    # A check without loading, by the same program within a minute: all of it was a scanner's.
    head = pack(Evidence(method="HEAD"))
    await store.put(
        [
            event(
                bob.tracking_id,
                at=at + timedelta(seconds=20),
                user_agent="Chrome on Windows (chromium 149)",
                evidence=head,
            )
        ]
    )
    found = await rows(portal.database, "SELECT class FROM email_tracking_events ORDER BY id")
    assert [row["class"] for row in found] == ["scanner", "scanner"]


async def test_recording_goes_on_beside_the_purge(portal: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "DELETED", 20)
    monkeypatch.setattr(retention, "CHANGED", 20)
    replies = [await mailed_reply(portal.database) for _ in range(4)]
    ids = [reply.recipients[0].tracking_id for reply in replies]
    for one in ids:
        olds = [event(one, at=_ago(100, n), user_agent=CHROME) for n in range(60)]
        mids = [event(one, at=_ago(50, n), user_agent=CHROME) for n in range(60)]
        await Store(portal.database, KnownCopies()).put([*olds, *mids])
    store = Store(portal.database, KnownCopies())
    purging = asyncio.create_task(run_out(portal))
    live = 0
    while not purging.done() or live < 200:
        outcome = await store.put([event(one, user_agent=FIREFOX) for one in ids for _ in range(5)])
        assert set(outcome.values()) == {"stored"}
        live += 20
        await asyncio.sleep(0)
    assert (await purging)["events"] == 240
    assert await count(portal.database, "email_tracking_events") == 240 + live
    opens = await rows(portal.database, "SELECT SUM(open_count) AS n FROM email_tracking_recipients")
    assert int(opens[0]["n"]) == 480 + live


def _ago(days: int, number: int) -> datetime:
    return utcnow() - timedelta(days=days, minutes=-number)
