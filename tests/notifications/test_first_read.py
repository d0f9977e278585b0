"""Who is told that a reply was read, how often, and what it costs those who did not ask."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.accounts import admin as administration
from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Connection, Database, DatabaseUnavailable, utcnow
from app.notifications import service
from app.notifications.models import Notification
from app.services import receipts
from tests.notifications.conftest import MakeReply, first_read, wants
from tests.receipts.builders import set_copy

pytestmark = pytest.mark.usefixtures("runtime")


async def told(user: User) -> tuple[Notification, ...]:
    return (await service.page(user)).rows


async def again(user: User) -> User:
    found = await accounts.user_by_id(user.id)
    assert found is not None
    return found


async def test_nobody_is_told_who_did_not_ask(db: Database, make_reply: MakeReply, agent: User) -> None:
    assert "read" not in agent.told_of
    made = await make_reply()
    await first_read(db, made.recipients[0].id)
    await wants(agent)
    assert await told(agent) == (), "what was read before is no news"


async def test_the_author_is_told_who_read_which_reply(db: Database, make_reply: MakeReply, agent: User) -> None:
    await wants(agent)
    made = await make_reply()

    await first_read(db, made.recipients[0].id)

    [one] = await told(agent)
    assert one.words == f"Bob Miller likely read your reply in #{made.ticket_id} Printer on fire"
    assert one.path == f"/tickets/{made.ticket_id}#reply-{made.reply_id}"
    assert one.seen_at is None
    assert await service.unseen(await again(agent)) == 1


async def test_the_assignee_is_told_in_the_authors_place(
    db: Database, make_reply: MakeReply, agent: User, admin: User
) -> None:
    await wants(agent)
    await wants(admin)
    made = await make_reply(assignee=admin)
    await first_read(db, made.recipients[0].id)
    [one] = await told(admin)
    assert one.words.startswith("Bob Miller likely read Gus Agent's reply in #")
    assert await told(agent) == ()


async def test_an_assignee_who_does_not_want_it_passes_it_to_nobody(
    db: Database, make_reply: MakeReply, agent: User, admin: User
) -> None:
    await wants(agent)
    made = await make_reply(assignee=admin)
    await first_read(db, made.recipients[0].id)
    assert (await told(admin), await told(agent)) == ((), ())


async def test_a_reply_is_told_once_for_ever(db: Database, make_reply: MakeReply, agent: User) -> None:
    await wants(agent)
    made = await make_reply("bob@example.org", "cc:ann@example.org")
    bob, ann = (one.id for one in made.recipients)
    await first_read(db, ann, bob)
    await first_read(db, ann)
    await service.mark_seen(agent)
    await first_read(db, bob)
    [one] = await told(agent)
    assert one.who == "Bob Miller", "of two at once the first of the list"
    assert one.seen_at is not None


async def test_many_replies_read_at_once_are_told_each(db: Database, make_reply: MakeReply, agent: User) -> None:
    await wants(agent)
    first = await make_reply(subject="One")
    async with db.transaction() as conn:
        await conn.execute("DELETE FROM contacts WHERE id NOT IN (SELECT contact_id FROM tickets)")
    second = await make_reply(subject="Two")
    await first_read(db, first.recipients[0].id, second.recipients[0].id)
    assert [one.subject for one in await told(agent)] == ["Two", "One"]


async def test_whoever_is_disabled_is_told_nothing(
    db: Database, make_reply: MakeReply, agent: User, admin: User
) -> None:
    await wants(agent)
    made = await make_reply()
    await administration.disable(by=admin, user_id=agent.id)
    await first_read(db, made.recipients[0].id)
    assert await told(agent) == ()


async def test_a_copy_without_a_reply_or_that_is_gone_is_left_out(db: Database, make_reply: MakeReply) -> None:
    made = await make_reply(author=None)
    await first_read(db, made.recipients[0].id, 10**12)
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM notifications") == 0


async def test_a_transaction_that_fails_tells_nothing(db: Database, make_reply: MakeReply, agent: User) -> None:
    await wants(agent)
    made = await make_reply()
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as conn:
            await service.first_read(conn, [made.recipients[0].id])
            await conn.flush()
            raise ZeroDivisionError
    assert await told(agent) == ()


async def test_two_processes_at_once_tell_once(db: Database, make_reply: MakeReply, agent: User) -> None:
    await wants(agent)
    made = await make_reply("bob@example.org", "cc:ann@example.org")

    async def work(conn: Connection) -> None:
        await service.first_read(conn, [one.id for one in made.recipients])

    await asyncio.gather(*(db.run(work) for _ in range(6)))
    assert len(await told(agent)) == 1


async def test_it_adds_no_round_trip_and_no_lock_on_what_others_write(
    db: Database, make_reply: MakeReply, agent: User
) -> None:
    await wants(agent)
    made = await make_reply()
    async with db.transaction() as conn:
        await service.first_read(conn, [made.recipients[0].id])
        assert len(conn._queued) == 3, "START TRANSACTION and two statements wait for the next one, or for the commit"
        await conn.flush()
        async with db.transaction() as other:
            # Whoever is told may change their profile, and the ticket and copy may change, while this one is open.
            await other.execute("SET SESSION innodb_lock_wait_timeout = 1")
            for table, row in (
                ("users", agent.id),
                ("tickets", made.ticket_id),
                ("ticket_replies", made.reply_id),
                ("email_recipients", made.recipients[0].id),
            ):
                await other.fetch_one(f"SELECT id FROM {table} WHERE id = %s FOR UPDATE", [row])  # noqa: S608
    assert len(await told(agent)) == 1


async def test_it_follows_from_what_a_plugin_reports(db: Database, make_reply: MakeReply, agent: User) -> None:
    await wants(agent)
    made = await make_reply()
    counts = []
    for receipt in ("machine", "read", "machine", "read"):
        said = receipts.Report(made.recipients[0].id, made.reply_id, made.ticket_id, receipt, utcnow())
        async with db.transaction() as conn:
            await receipts.report(conn, [said])
        counts.append(len(await told(agent)))
    assert counts == [0, 1, 1, 1]


async def test_a_badge_that_was_taken_back_is_said_beside_it(db: Database, make_reply: MakeReply, agent: User) -> None:
    await wants(agent)
    made = await make_reply()
    await first_read(db, made.recipients[0].id)
    assert not (await told(agent))[0].is_taken_back
    changes: list[tuple[dict[str, object], bool]] = [
        ({"seen": "machine"}, True),
        ({"seen": None}, True),
        ({"seen": "read", "judged": "unread"}, True),
        ({"replied_at": utcnow()}, False),
        ({"fate": "bounced"}, False),
    ]
    for values, taken_back in changes:
        await set_copy(db, made.recipients[0].id, **values)
        assert (await told(agent))[0].is_taken_back == taken_back, values


async def test_the_count_is_none_while_the_database_is_away(agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: Database) -> None:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(Database, "_take", away)
    assert await service.unseen(replace(agent, told_of=frozenset({"read"}))) == 0
