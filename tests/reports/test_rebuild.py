"""Counting anew: what was sent before there were reports, what is wrong, what a module cannot say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.database import utcnow
from app.plugin_privacy import PluginFailed
from app.receipts import service as receipts
from app.reports import rebuild, rebuild_repository
from app.runtime import Runtime
from plugins.plausible import report_hooks
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.store import Store
from tests.plausible.recording import event
from tests.receipts.builders import MailedReply, mailed_reply
from tests.reports.figures import counted_anew, summary, total


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    """A reply that nobody counted yet."""
    return await mailed_reply(portal.database)


async def test_the_worker_counts_what_was_sent_before_there_were_reports(portal: Runtime, reply: MailedReply) -> None:
    async with portal.database.transaction() as conn:
        await rebuild_repository.set_next_day(conn, utcnow().date())
    assert await total(portal) == {}
    await rebuild.tend(portal.database, portal.plugins)
    assert await total(portal) == {"recipients": 1, "sent": 1, "tracked": 1}
    async with portal.database.connection() as conn:
        assert not await rebuild.is_pending(conn)


async def test_what_is_wrong_is_mended_from_the_day_that_was_asked_for(portal: Runtime, reply: MailedReply) -> None:
    await Store(portal.database, KnownCopies()).put([event(reply.recipients[0].tracking_id)])
    await counted_anew(portal)
    right = await summary(portal)
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE report_days SET sent = sent + 5, opens = opens - 1")
        await conn.execute(
            "INSERT INTO report_days (detailed, tag_id, day, agent_id, department_id, shard, sent) "
            "VALUES (1, 99, %(day)s, 7, 7, 3, 8)",
            {"day": utcnow().date()},
        )
        await conn.execute("UPDATE report_items SET opens = opens + 1")
    tomorrow = utcnow().date() + timedelta(days=1)
    assert await counted_anew(portal, since=tomorrow) == []
    assert await summary(portal) != right
    [done] = await counted_anew(portal, since=utcnow().date())
    assert done.corrected > 0
    assert await summary(portal) == right
    [done] = await counted_anew(portal)
    assert done.corrected == 0


async def test_a_module_that_cannot_count_leaves_the_day_and_the_worker_goes_on_later(
    portal: Runtime, reply: MailedReply, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Store(portal.database, KnownCopies()).put([event(reply.recipients[0].tracking_id)])
    await counted_anew(portal)
    right = await summary(portal)

    async def broken(*_: object) -> None:
        raise RuntimeError("no")

    with monkeypatch.context() as patch:
        patch.setattr(report_hooks, "_counts", broken)
        with pytest.raises(PluginFailed, match="plausible could not count"):
            await counted_anew(portal)
    assert await summary(portal) == right
    async with portal.database.connection() as conn:
        assert await rebuild.is_pending(conn)
    await rebuild.tend(portal.database, portal.plugins)
    assert await summary(portal) == right


async def test_shards_of_days_that_are_over_become_one(portal: Runtime, reply: MailedReply) -> None:
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE outgoing_emails SET created_at = created_at - INTERVAL 9 DAY")
        await receipts.refresh(conn, reply.reply_id)
    for number in range(12):
        at = utcnow() + timedelta(minutes=number)
        await Store(portal.database, KnownCopies()).put([event(reply.recipients[0].tracking_id, at=at)], lane=number)
    right = await summary(portal)
    await rebuild.tend(portal.database, portal.plugins)
    assert await summary(portal) == right
    async with portal.database.connection() as conn:
        assert await conn.fetch_value("SELECT SUM(shard) FROM report_days") == 0
        assert await conn.fetch_value("SELECT SUM(shard) FROM report_items") == 0
