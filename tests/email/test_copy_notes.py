"""What modules note of a copy, when it began to be sent, and which copies go to our own people."""

from __future__ import annotations

import pytest

from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Database, DatabaseUnavailable, Row, utcnow
from app.email import delivery, queue_repository, service
from app.runtime import Runtime
from tests.email.outbox import end_leases, make_due, queue, reply, rows, states
from tests.email.tracker import Tracker
from tests.support.scripted_smtp import Fault, ScriptedSmtp

BOB = "bob@example.org"


async def notes(database: Database) -> list[Row]:
    async with database.connection() as conn:
        return await conn.fetch_all("SELECT * FROM email_copy_notes ORDER BY recipient_id, slug")


async def test_a_modules_note_is_stored_with_its_copy(runtime: Runtime, db: Database, tracker: Tracker) -> None:
    tracker.note = '{"links": ["it\'s 100 % \\\\ ✓"]}'
    mail = await queue(runtime, f"{BOB}, ann@x.org", enable_tracking=True, reply_id=await reply(db))

    await service.deliver_now(mail.id)

    ids = {one.email: one.id for one in mail.recipients}
    assert await notes(db) == [
        {"recipient_id": ids[address], "slug": "tracker", "note": tracker.note} for address in (BOB, "ann@x.org")
    ]


async def test_a_note_of_16000_of_the_longest_characters_fits(runtime: Runtime, db: Database, tracker: Tracker) -> None:
    tracker.note = "🖨" * 16_000
    mail = await queue(runtime, BOB, enable_tracking=True, reply_id=await reply(db))
    await service.deliver_now(mail.id)
    assert [row["note"] for row in await notes(db)] == [tracker.note]


async def test_too_long_a_note_is_dropped_and_the_mail_goes_out_tracked(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker
) -> None:
    told: list[str] = []
    runtime.plugins.on_error = lambda slug, hook, message: told.append(f"{slug} {hook}: {message}")
    tracker.note = "n" * 16_001
    mail = await queue(runtime, BOB, enable_tracking=True, reply_id=await reply(db))

    await service.deliver_now(mail.id)

    assert (await states(db), await notes(db)) == ({BOB: "sent"}, [])
    assert b"mark:" in smtp.accepted[0].data
    [words] = told
    assert words.startswith("tracker prepare_delivery: ")
    assert "at most 16,000" in words


async def test_a_second_try_replaces_the_note_and_the_beginning(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker
) -> None:
    smtp.faults.append(Fault("dot", reply="452 4.2.2 full"))
    tracker.note = "first"
    mail = await queue(runtime, BOB, enable_tracking=True, reply_id=await reply(db))
    await service.deliver_now(mail.id)
    assert [row["note"] for row in await notes(db)] == ["first"]

    smtp.faults.clear()
    tracker.note = ""
    await make_due(db)
    before = utcnow()
    await service.deliver_now(mail.id)

    copy = (await rows(db))[BOB]
    assert await notes(db) == []
    assert before < copy["sending_at"] < copy["sent_at"]


async def test_a_copy_that_was_refused_before_data_was_never_being_sent(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker
) -> None:
    smtp.faults.append(Fault("rcpt", reply="550 5.1.1 no such user"))
    tracker.note = "first"
    mail = await queue(runtime, BOB, enable_tracking=True, reply_id=await reply(db))
    await service.deliver_now(mail.id)
    assert ((await rows(db))[BOB]["sending_at"], await notes(db)) == (None, [])


async def test_whoever_lost_the_copy_writes_no_note(runtime: Runtime, db: Database, tracker: Tracker) -> None:
    mail = await queue(runtime, BOB)
    [copy] = await delivery.claim(runtime, owner="late", limit=5, mail_id=mail.id)
    await end_leases(db)
    async with db.transaction() as conn:
        ours = await queue_repository.mark_sending(
            conn, copy_id=copy.id, owner="late", reports="", notes={"tracker": "mine"}, lease=delivery.SENDING_LEASE
        )
    assert (ours, await notes(db)) == (False, [])


async def test_a_note_that_the_database_refuses_stops_the_mail_and_marks_nothing(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = queue_repository.mark_sending

    async def fails_after(*given: object, **named: object) -> bool:
        await mark(*given, **named)  # type: ignore[arg-type]
        raise DatabaseUnavailable("gone")

    tracker.note = "mine"
    mail = await queue(runtime, BOB, enable_tracking=True, reply_id=await reply(db))
    monkeypatch.setattr(queue_repository, "mark_sending", fails_after)
    with pytest.raises(DatabaseUnavailable):
        await service.deliver_now(mail.id)

    copy = (await rows(db))[BOB]
    assert (copy["state"], copy["sending_at"], await notes(db), smtp.accepted) == ("claimed", None, [], [])


async def test_modules_hear_which_recipients_are_our_own_people_whatever_the_case(
    runtime: Runtime, db: Database, tracker: Tracker, agent: User
) -> None:
    own = agent.email.upper()
    # The column takes 'ö' for 'o', and that is somebody else.
    await accounts.create_user(email="böb@example.org", role="agent", password="a long pass phrase")
    mail = await queue(runtime, f"{own}, {BOB}")

    await service.deliver_now(mail.id)
    await service.announce(mail)

    def agents(heard: list[tuple[str, bool]]) -> set[str]:
        assert len(heard) == 2
        return {address for address, is_agent in heard if is_agent}

    for recipients in (
        [one.recipient for one in tracker.given],
        [one.recipient for one in tracker.reports],
        tracker.queued[0].recipients,
    ):
        [address] = agents([(one.email, one.is_agent) for one in recipients])
        assert address.lower() == agent.email
