"""An agent's word in place of a module's."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.accounts.models import User
from app.database import Database, utcnow
from app.receipts import judging, rules, service
from app.receipts.judging import VerdictRefused
from app.receipts.models import Report
from app.tickets import service as tickets
from tests.receipts.builders import last_receipt, mailed_reply
from tests.support.live import published


@pytest.fixture(autouse=True)
def reading_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a module that reports reading were on."""

    async def visible() -> frozenset[str]:
        return rules.STATES

    monkeypatch.setattr(service, "visible_states", visible)


async def test_a_verdict_stands_in_place_of_what_a_module_says_until_it_is_taken_back(
    db: Database, agent: User
) -> None:
    reply = await mailed_reply(db)
    [copy] = reply.recipients
    opened = utcnow()
    async with db.transaction() as conn:
        await service.report(conn, [Report(copy.id, reply.reply_id, reply.ticket_id, "read", opened)])

    await judging.judge(copy.id, "unread", agent)
    [row] = (await service.panels([reply.reply_id]))[reply.reply_id].rows
    assert (row.state, row.can_judge) == ("sent", "")
    assert row.judged is not None
    assert (row.judged.verdict, row.judged.by) == ("unread", "Gus Agent")
    assert await last_receipt(db, reply.ticket_id) == "sent"

    async with db.transaction() as conn:
        later = opened + timedelta(minutes=5)
        await service.report(conn, [Report(copy.id, reply.reply_id, reply.ticket_id, "read", opened, later)])
    assert (await service.badges([reply.reply_id]))[reply.reply_id].state == "sent"

    await judging.judge(copy.id, None, agent)
    [row] = (await service.panels([reply.reply_id]))[reply.reply_id].rows
    assert (row.state, row.judged, row.last_opened) == ("read", None, later)


async def test_a_verdict_is_told_and_stands_in_the_history_and_the_timeline(db: Database, agent: User) -> None:
    reply = await mailed_reply(db, "bob@example.org", "ann@example.org")
    await judging.judge(reply.recipients[1].id, "read", agent)
    await judging.judge(reply.recipients[1].id, "read", agent)
    panel = (await service.panels([reply.reply_id]))[reply.reply_id]
    assert panel.badge.word == "Read by 1 of 2"
    assert (panel.timeline[0].kind, panel.timeline[0].words) == (
        "judged",
        "Marked as read by Gus Agent (ann@example.org)",
    )
    await judging.judge(reply.recipients[1].id, None, agent)
    history = (await tickets.conversation(reply.ticket_id)).history
    assert [(line.user_name, line.field, line.old_value, line.new_value) for line in history] == [
        ("Gus Agent", "verdict", "ann@example.org", "read"),
        ("Gus Agent", "verdict", "ann@example.org", ""),
    ]
    assert [event.topic for event in await published(db)] == [f"ticket:{reply.ticket_id}", "tickets"] * 2


@pytest.mark.parametrize("state", ["queued", "retry", "failed"])
async def test_a_copy_that_has_not_gone_out_cannot_be_marked(db: Database, agent: User, state: str) -> None:
    reply = await mailed_reply(db, state=state)
    with pytest.raises(VerdictRefused, match=f"The copy for bob@example.org is {state}; only one that went out"):
        await judging.judge(reply.recipients[0].id, "read", agent)
    assert (await tickets.conversation(reply.ticket_id)).history == ()


async def test_a_verdict_that_is_none_and_a_copy_that_is_none_are_refused(db: Database, agent: User) -> None:
    reply = await mailed_reply(db)
    with pytest.raises(VerdictRefused, match="must be read or unread, or none to take it back, got 'seen'"):
        await judging.judge(reply.recipients[0].id, "seen", agent)
    with pytest.raises(VerdictRefused, match="no copy 4711"):
        await judging.judge(4711, "read", agent)


async def test_agents_who_judge_copies_of_one_ticket_at_once_wait_for_each_other(db: Database, agent: User) -> None:
    reply = await mailed_reply(db, *(f"{number}@example.org" for number in range(8)))
    await asyncio.gather(*(judging.judge(copy.id, "read", agent) for copy in reply.recipients))
    assert (await service.badges([reply.reply_id]))[reply.reply_id].word == "All read"
    assert await last_receipt(db, reply.ticket_id) == "read"
    assert len((await tickets.conversation(reply.ticket_id)).history) == 8
