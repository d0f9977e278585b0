"""Counting, counting anew and folding at the same time: nothing is lost and nothing counts twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from app.accounts.models import User
from app.database import utcnow
from app.receipts import judging
from app.receipts import service as receipts
from app.receipts.models import Report
from app.reports import rebuild_repository
from app.runtime import Runtime
from plugins.plausible.events import CLICK
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.store import Store
from tests.plausible.recording import event
from tests.receipts.builders import MailedReply, mailed_reply
from tests.reports.figures import counted_anew, empty, summary

ROUNDS = 8


async def test_whoever_counts_meanwhile_loses_nothing(portal: Runtime, gus: User) -> None:
    replies = [await mailed_reply(portal.database, "bob@example.org", "cc:ann@example.org")]
    replies += [await mailed_reply(portal.database, ticket_id=replies[0].ticket_id) for _ in range(3)]
    now = utcnow()

    async def opens(lane: int) -> None:
        store = Store(portal.database, KnownCopies())
        for number in range(ROUNDS):
            at = now + timedelta(seconds=60 * number + lane)
            events = [event(copy.tracking_id, at=at) for one in replies for copy in one.recipients]
            events += [event(copy.tracking_id, CLICK, at=at) for one in replies for copy in one.recipients]
            await store.put(events, lane=lane)

    async def fates() -> None:
        for fate in ("delivered", "bounced", "complained"):
            for reply in replies:
                await portal.database.run(lambda conn, reply=reply, fate=fate: _report(conn, reply, fate))  # type: ignore[misc]

    async def verdicts() -> None:
        for number in range(ROUNDS):
            await judging.judge(replies[number % 4].recipients[0].id, ("read", "unread", None)[number % 3], gus)

    async def sending() -> None:
        for _ in range(3):
            for reply in replies:
                await portal.database.run(lambda conn, reply=reply: receipts.refresh(conn, reply.reply_id))  # type: ignore[misc]

    async def anew() -> None:
        for _ in range(3):
            await counted_anew(portal)

    async def folds() -> None:
        for _ in range(ROUNDS):
            await portal.database.run(lambda conn: rebuild_repository.fold(conn, now.date()))
            await asyncio.sleep(0.01)

    await asyncio.gather(opens(0), opens(1), fates(), verdicts(), sending(), anew(), folds())
    assert [one.corrected for one in await counted_anew(portal)] == [0]
    kept = await summary(portal)
    await empty(portal)
    await counted_anew(portal)
    assert await summary(portal) == kept


async def _report(conn: object, reply: MailedReply, fate: str) -> None:
    reports = [Report(copy.id, reply.reply_id, reply.ticket_id, fate, utcnow()) for copy in reply.recipients]
    await receipts.report(conn, reports)  # type: ignore[arg-type]
