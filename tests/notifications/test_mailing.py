"""Notifications by mail: each once, whatever breaks, and never tracked."""

from __future__ import annotations

import asyncio

import pytest

from app.accounts import admin as administration
from app.accounts.models import User
from app.database import Database, DatabaseUnavailable, Row
from app.notifications import mailing, repository
from app.runtime import Runtime
from tests.notifications.conftest import MakeReply, first_read, wants


async def mails(database: Database) -> list[Row]:
    async with database.connection() as conn:
        return await conn.fetch_all(
            """
            SELECT m.*, r.email FROM outgoing_emails AS m JOIN email_recipients AS r ON r.email_id = m.id
             WHERE m.reply_id IS NULL ORDER BY m.id
            """
        )


async def test_who_asked_for_it_gets_one_untracked_mail(
    runtime: Runtime, db: Database, make_reply: MakeReply, agent: User
) -> None:
    await wants(agent, by_email=True)
    made = await make_reply()
    await first_read(db, made.recipients[0].id)
    assert await mails(db) == [], "no request waits for it"

    assert await mailing.mail_due(runtime) == 1
    assert await mailing.mail_due(runtime) == 0

    [mail] = await mails(db)
    assert mail["email"] == agent.email
    assert mail["subject"] == f"Bob Miller likely read your reply in #{made.ticket_id} Printer on fire"
    assert f"http://portal.test/tickets/{made.ticket_id}#reply-{made.reply_id}" in mail["text_body"]
    assert f'href="http://portal.test/tickets/{made.ticket_id}#reply-{made.reply_id}"' in mail["html_body"]
    assert (mail["enable_tracking"], mail["auto_submitted"]) == (0, "auto-generated")


async def test_who_wants_it_in_the_portal_only_gets_no_mail(
    runtime: Runtime, db: Database, make_reply: MakeReply, agent: User
) -> None:
    await wants(agent)
    await first_read(db, (await make_reply()).recipients[0].id)
    await wants(agent, by_email=True)
    assert await mailing.mail_due(runtime) == 0, "the wish of that moment counts"


async def test_who_changed_their_mind_or_was_disabled_gets_none(
    runtime: Runtime, db: Database, make_reply: MakeReply, agent: User, admin: User
) -> None:
    await wants(agent, by_email=True)
    await first_read(db, (await make_reply()).recipients[0].id)
    await wants(agent)
    assert await mailing.mail_due(runtime) == 0
    await wants(agent, by_email=True)
    await administration.disable(by=admin, user_id=agent.id)
    assert (await mailing.mail_due(runtime), await mails(db)) == (0, [])


async def test_what_breaks_in_between_loses_none_and_doubles_none(
    runtime: Runtime, db: Database, make_reply: MakeReply, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise DatabaseUnavailable("gone")

    await wants(agent, by_email=True)
    await first_read(db, (await make_reply()).recipients[0].id)
    with monkeypatch.context() as patch:
        patch.setattr(repository, "set_emailed", fails)
        with pytest.raises(DatabaseUnavailable):
            await mailing.mail_due(runtime)
    assert await mails(db) == []
    assert await mailing.mail_due(runtime) == 1
    assert len(await mails(db)) == 1


async def test_several_workers_share_them(
    runtime: Runtime, db: Database, make_reply: MakeReply, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "BATCH", 2)
    await wants(agent, by_email=True)
    made = await make_reply()
    async with db.transaction() as conn:
        for number in range(9):
            reply = await conn.insert(
                "INSERT INTO ticket_replies (ticket_id, kind, author_user_id, body_html, body_text, created_at) "
                "VALUES (%s, 'reply', %s, '', '', UTC_TIMESTAMP(6))",
                [made.ticket_id, agent.id],
            )
            await conn.execute(
                "INSERT INTO notifications (user_id, ticket_id, reply_id, recipient_id, created_at, email_wanted) "
                "VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6), 1)",
                [agent.id, made.ticket_id, reply, made.recipients[0].id],
            )
            assert number < 9
    sent = await asyncio.gather(*(mailing.mail_due(runtime) for _ in range(3)))
    while await mailing.mail_due(runtime):
        pass
    assert sum(sent) <= 9
    assert len({mail["metadata"] for mail in await mails(db)}) == len(await mails(db)) == 9


async def test_an_address_that_no_mail_can_go_to_holds_up_nobody(
    runtime: Runtime, db: Database, make_reply: MakeReply, agent: User, admin: User
) -> None:
    await wants(agent, by_email=True)
    await wants(admin, by_email=True)
    async with db.transaction() as conn:
        await conn.execute("UPDATE users SET email = 'güs@portal.test' WHERE id = %s", [agent.id])
    await first_read(db, (await make_reply()).recipients[0].id)
    await first_read(db, (await make_reply("cc:ann@example.org", assignee=admin)).recipients[0].id)
    assert await mailing.mail_due(runtime) == 1
    assert [mail["email"] for mail in await mails(db)] == [admin.email]
    assert await mailing.mail_due(runtime) == 0


async def test_a_long_subject_and_no_portal_address_still_make_a_mail(
    runtime: Runtime, db: Database, make_reply: MakeReply, agent: User
) -> None:
    runtime.settings = runtime.settings.model_copy(update={"portal_url": None})
    await wants(agent, by_email=True)
    await first_read(db, (await make_reply(subject="ü" * 400)).recipients[0].id)
    assert await mailing.mail_due(runtime) == 1
    [mail] = await mails(db)
    assert len(mail["subject"]) == 200
    assert "http" not in mail["text_body"]
