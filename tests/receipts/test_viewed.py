"""Reading on the ticket page: known without any module, and taken back by none."""

from __future__ import annotations

import pytest

from app.accounts.models import User
from app.database import Database, utcnow
from app.receipts import judging, service
from app.receipts.models import Report
from app.runtime import Runtime
from tests.receipts.builders import MailedReply, last_receipt, mailed_reply, set_copy
from tests.support.live import published


async def view(db: Database, reply: MailedReply, recipient: int = 0) -> None:
    async with db.transaction() as conn:
        await service.viewed(conn, [reply.recipients[recipient].id])


async def test_it_counts_without_any_module_and_says_where_it_was_read(db: Database) -> None:
    reply = await mailed_reply(db, "bob@example.org", "ann@example.org")
    await view(db, reply)

    panel = (await service.panels([reply.reply_id]))[reply.reply_id]
    assert (panel.badge.state, panel.badge.word) == ("read", "Read by 1 of 2")
    bob = next(row for row in panel.rows if row.email == "bob@example.org")
    assert bob.words.startswith("Read on the ticket page at ")
    assert bob.first_opened is not None
    assert panel.timeline[0].words == "Read on the ticket page (bob@example.org)"
    assert await last_receipt(db, reply.ticket_id) == "viewed"
    assert [event.detail["kind"] for event in await published(db)][:1] == ["receipt"]


async def test_a_module_that_sees_a_machine_or_nothing_does_not_take_it_back(db: Database) -> None:
    reply = await mailed_reply(db)
    await view(db, reply)
    for receipt in ("machine", None):
        at = utcnow() if receipt else None
        async with db.transaction() as conn:
            await service.report(conn, [Report(reply.recipients[0].id, reply.reply_id, reply.ticket_id, receipt, at)])
        assert (await service.badges([reply.reply_id]))[reply.reply_id].state == "read"
        assert await last_receipt(db, reply.ticket_id) == "viewed"


async def test_an_agent_who_says_not_read_goes_before_it(db: Database, agent: User) -> None:
    reply = await mailed_reply(db)
    await view(db, reply)
    await judging.judge(reply.recipients[0].id, "unread", agent)
    assert (await service.badges([reply.reply_id]))[reply.reply_id].state == "sent"
    await judging.judge(reply.recipients[0].id, None, agent)
    assert (await service.badges([reply.reply_id]))[reply.reply_id].state == "read"


@pytest.mark.parametrize("state", ["unknown", "retry"])
async def test_it_proves_that_a_copy_of_unknown_outcome_arrived(runtime: Runtime, state: str) -> None:
    reply = await mailed_reply(runtime.database, state=state)
    await view(runtime.database, reply)
    assert (await service.badges([reply.reply_id]))[reply.reply_id].state == "read"


async def test_looking_again_moves_the_last_time_only(db: Database) -> None:
    reply = await mailed_reply(db)
    await view(db, reply)
    before = await published(db)
    await view(db, reply)
    assert await published(db) == before

    await set_copy(db, reply.recipients[0].id, viewed_at="2026-05-03 10:00:00", last_viewed_at="2026-05-03 10:00:00")
    await view(db, reply)
    [row] = (await service.panels([reply.reply_id]))[reply.reply_id].rows
    assert row.first_opened is not None
    assert row.last_opened is not None
    assert row.first_opened.year == 2026
    assert row.last_opened > row.first_opened
