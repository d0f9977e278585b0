"""The summary is kept with what it sums up: after whatever happens, counting anew finds nothing to correct."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import pytest

from app.accounts.models import User
from app.database import utcnow
from app.receipts import judging
from app.receipts import service as receipts
from app.receipts.models import Report
from app.reports.rebuild import tend
from app.runtime import Runtime
from plugins.plausible import retention
from plugins.plausible.events import CLICK, OPEN
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.rejudge import reclassify, settle_due
from plugins.plausible.recording.store import Store
from tests.plausible.recording import SCANNER, event
from tests.receipts.builders import MailedReply, mailed_reply, set_copy
from tests.reports.figures import counted_anew, empty, summary, total
from tests.support.reader import THUNDERBIRD

AROUND = Surroundings()


async def refresh(portal: Runtime, reply: MailedReply) -> None:
    async with portal.database.transaction() as conn:
        await receipts.refresh(conn, reply.reply_id)


async def report(portal: Runtime, reply: MailedReply, fate: str, *, copy: int = 0) -> None:
    async with portal.database.transaction() as conn:
        one = Report(reply.recipients[copy].id, reply.reply_id, reply.ticket_id, fate, utcnow())
        await receipts.report(conn, [one])


async def put(store: Store, *events: object) -> None:
    assert set((await store.put(list(events))).values()) == {"stored"}  # type: ignore[arg-type]


async def test_a_mail_counts_from_the_outbox_to_the_answer(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database, "bob@example.org", "cc:ann@example.org", state="queued")
    await refresh(portal, reply)
    assert await total(portal) == {"recipients": 2}
    bob, ann = reply.recipients
    for one in (bob, ann):
        await set_copy(portal.database, one.id, state="sent", sent_at=utcnow() - timedelta(minutes=10))
    await refresh(portal, reply)
    await report(portal, reply, "delivered")
    await report(portal, reply, "delivered", copy=1)
    await report(portal, reply, "bounced", copy=1)
    store = Store(portal.database, KnownCopies())
    await put(store, event(bob.tracking_id), event(bob.tracking_id, CLICK, at=utcnow() + timedelta(seconds=40)))
    await put(store, event(bob.tracking_id, at=utcnow() + timedelta(hours=2)))
    async with portal.database.transaction() as conn:
        await receipts.answered(conn, ticket_id=reply.ticket_id, email="bob@example.org", in_reply_to=None)
        await receipts.refresh(conn, reply.reply_id)
    assert await total(portal) == {
        "recipients": 2, "sent": 2, "tracked": 2, "delivered": 1, "bounced": 1, "opened": 1, "readers": 1, "replied": 1,
        "opens": 2, "clicks": 1, "clicked": 1, "reported": 2,
    }  # fmt: skip


async def test_an_open_that_turns_out_to_be_a_machines_is_taken_back(portal: Runtime, gus: User) -> None:
    reply = await mailed_reply(portal.database)
    await refresh(portal, reply)
    [bob] = reply.recipients
    await put(Store(portal.database, KnownCopies()), event(bob.tracking_id))
    assert (await total(portal))["opened"] == 1
    await judging.judge(bob.id, "unread", gus)
    found = await total(portal)
    assert "opened" not in found
    assert found["opens"] == 1
    await judging.judge(bob.id, None, gus)
    assert (await total(portal))["opened"] == 1
    await set_copy(portal.database, bob.id, sent_at=utcnow() + timedelta(minutes=1), sending_at=None)
    [*_] = [one async for one in reclassify(portal.database, AROUND)]
    found = await total(portal)
    assert {"opened", "opens"} & found.keys() == set()
    assert found["machine_opens"] == found["machine_only"] == 1
    assert all(key[0] != "client" or "opens" not in one for key, one in (await summary(portal)).items())


async def test_what_is_counted_twice_at_once_counts_once(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    await refresh(portal, reply)
    before = await summary(portal)
    await refresh(portal, reply)
    assert await summary(portal) == before


async def test_tags_agent_and_department_are_those_of_the_moment(portal: Runtime, gus: User) -> None:
    reply = await mailed_reply(portal.database)
    async with portal.database.transaction() as conn:
        await conn.execute("INSERT INTO tags (id, name, created_at) VALUES (7, 'vip', UTC_TIMESTAMP(6))")
        await conn.execute("INSERT INTO ticket_tags (ticket_id, tag_id) VALUES (%(id)s, 7)", {"id": reply.ticket_id})
        await conn.execute("UPDATE tickets SET department_id = 3 WHERE id = %(id)s", {"id": reply.ticket_id})
        await conn.execute("UPDATE ticket_replies SET author_user_id = %(id)s", {"id": gus.id})
        await receipts.refresh(conn, reply.reply_id)
        await conn.execute("DELETE FROM ticket_tags")
        await conn.execute("UPDATE tickets SET department_id = NULL")
    await put(Store(portal.database, KnownCopies()), event(reply.recipients[0].tracking_id))
    assert (await total(portal, tag=7))["opened"] == 1
    assert {key[:2]: key[3:] for key in await summary(portal) if len(key) == 5} == {
        (0, 0): (0, 0),
        (0, 7): (0, 0),
        (1, 0): (gus.id, 3),
        (1, 7): (gus.id, 3),
    }


@pytest.mark.parametrize("seed", range(3))
async def test_after_anything_counting_anew_finds_nothing_to_correct(portal: Runtime, gus: User, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    store = Store(portal.database, KnownCopies())
    replies = [
        await mailed_reply(
            portal.database, "bob@example.org", "cc:ann@example.org", state=draw.choice(["sent", "queued"])
        )
    ]
    for _ in range(3):
        replies.append(await mailed_reply(portal.database, ticket_id=replies[0].ticket_id))
    async with portal.database.transaction() as conn:
        await conn.execute("INSERT INTO tags (id, name, created_at) VALUES (7, 'vip', UTC_TIMESTAMP(6))")
        await conn.execute(
            "INSERT INTO ticket_tags (ticket_id, tag_id) VALUES (%(id)s, 7)", {"id": replies[0].ticket_id}
        )
        # Some of them were written on another day, and one before there were reports.
        await conn.execute(
            "UPDATE outgoing_emails SET created_at = created_at - INTERVAL 3 DAY WHERE id = %(id)s",
            {"id": replies[1].mail_id},
        )
    for one in replies[:-1]:
        await refresh(portal, one)

    async def requests(kind: str, agent: str) -> None:
        reply = draw.choice(replies)
        copy = draw.choice(reply.recipients)
        at = utcnow() + timedelta(seconds=draw.randrange(1, 100_000))
        url = f"https://example.org/{draw.randrange(2)}?for={draw.randrange(3)}" if kind == CLICK else None
        await put(store, *(event(copy.tracking_id, kind, at=at, user_agent=agent, url=url) for _ in range(2)))  # type: ignore[arg-type]

    async def fate() -> None:
        reply = draw.choice(replies)
        await report(portal, reply, draw.choice(["delivered", "bounced", "complained"]))

    async def verdict() -> None:
        reply = draw.choice(replies[1:])
        await judging.judge(reply.recipients[0].id, draw.choice(["read", "unread", None]), gus)

    async def answer() -> None:
        async with portal.database.transaction() as conn:
            found = await receipts.answered(
                conn, ticket_id=replies[0].ticket_id, email="ann@example.org", in_reply_to=None
            )
            if found is not None:
                await receipts.refresh(conn, found)

    async def look() -> None:
        async with portal.database.transaction() as conn:
            await receipts.viewed(conn, [draw.choice(replies[1:]).recipients[0].id])

    async def second_look() -> None:
        reply = draw.choice(replies)
        copy = draw.choice(reply.recipients)
        shift = timedelta(seconds=draw.randrange(-50_000, 50_000))
        async with portal.database.transaction() as conn:
            await conn.execute(
                "UPDATE email_recipients SET sending_at = %(at)s WHERE id = %(id)s",
                {"at": utcnow() + shift, "id": copy.id},
            )
        [*_] = [one async for one in reclassify(portal.database, AROUND, afresh=True)]

    async def later() -> None:
        def now() -> datetime:
            return utcnow() + timedelta(days=3)

        await settle_due(portal.database, AROUND, now=now)

    async def fold() -> None:
        await tend(portal.database, portal.plugins)

    deeds: list[Callable[[], Awaitable[None]]] = [
        partial(requests, OPEN, THUNDERBIRD), partial(requests, CLICK, THUNDERBIRD), partial(requests, OPEN, SCANNER),
        partial(requests, CLICK, SCANNER), fate, verdict, answer, look, second_look, later, fold,
    ]  # fmt: skip
    for deed in (*deeds, *draw.choices(deeds, k=25)):
        await deed()
        if deed in (second_look, verdict):
            assert not [one for one in await counted_anew(portal) if one.corrected]
    kept = await summary(portal)
    assert sum("opened" in one for one in kept.values()) > 0
    await empty(portal)
    assert sum(one.corrected for one in await counted_anew(portal)) > 0
    assert await summary(portal) == kept
    # What was purged stays counted, as often as it is counted anew.
    while not (
        await retention.purge(portal.database, keep_days=1, keep_agents_days=1, now=utcnow() + timedelta(days=9))
    ).done:
        pass
    assert [one.corrected for one in await counted_anew(portal)] == [0, 0]
    assert await summary(portal) == kept
