"""How each ending of a try is stored, and that nobody gets a mail twice or not at all."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from app.database import Connection, Database, DatabaseUnavailable, utcnow
from app.email import building, delivery, queue_repository, service
from app.email.errors import EmailRefused
from app.receipts import service as receipts
from app.runtime import Runtime
from app.settings import Settings
from tests.email.outbox import end_leases, make_due, queue, reply, rows, states
from tests.email.tracker import Tracker
from tests.receipts.builders import last_receipt, set_copy
from tests.support.scripted_smtp import Fault, ScriptedSmtp
from tests.support.waiting import until

BOB = "bob@example.org"


async def test_an_accepted_copy_is_sent_and_says_what_it_will_report(
    runtime: Runtime, db: Database, tracker: Tracker
) -> None:
    mail = await queue(runtime, BOB, enable_tracking=True, reply_id=await reply(db))

    await service.deliver_now(mail.id)

    copy = (await rows(db))[BOB]
    assert (copy["state"], copy["smtp_code"], copy["smtp_text"]) == ("sent", 250, "2.0.0 queued as 4711")
    assert (copy["attempts"], copy["reports"], copy["lease_owner"], copy["lease_until"]) == (1, "opens", "", None)
    assert copy["sent_at"] is not None
    [report] = tracker.reports
    assert (report.state, report.mail_id, report.recipient.email) == ("sent", mail.id, BOB)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("connect", do="drop"),
        Fault("mail", reply="451 4.3.0 later"),
        Fault("rcpt", reply="450 4.2.0 greylisted"),
        Fault("data", reply="421 4.3.2 going down"),
        Fault("body", do="drop", after_bytes=50),
        Fault("dot", reply="452 4.2.2 full"),
    ],
    ids=lambda fault: fault.at,
)
async def test_a_temporary_failure_waits_with_the_servers_words_and_then_goes_out_once(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker, fault: Fault
) -> None:
    smtp.faults.append(fault)
    mail = await queue(runtime, BOB)

    before = utcnow()
    await service.deliver_now(mail.id)

    copy = (await rows(db))[BOB]
    assert copy["state"] == "retry"
    assert copy["smtp_text"] != ""
    assert copy["next_attempt_at"] > before + timedelta(seconds=5)
    assert tracker.reports == []
    smtp.faults.clear()
    await service.deliver_now(mail.id)
    assert smtp.accepted == [], "it is not due yet"
    await make_due(db)
    await service.deliver_now(mail.id)
    assert smtp.recipients() == [BOB]
    assert (await rows(db))[BOB]["attempts"] == 2


async def test_pauses_grow_and_after_two_days_a_mail_is_given_up_with_the_last_words(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker
) -> None:
    smtp.faults.append(Fault("rcpt", reply="450 4.2.0 greylisted"))
    mail = await queue(runtime, BOB)
    pauses = []
    for _ in range(4):
        await make_due(db)
        before = utcnow()
        await service.deliver_now(mail.id)
        pauses.append((await rows(db))[BOB]["next_attempt_at"] - before)
    assert all(later > earlier for earlier, later in pairwise(pauses))
    # A quarter of jitter each way; the delivery itself takes a moment on top.
    assert all(
        base * 0.75 <= pause.total_seconds() < base * 1.25 + 60
        for pause, base in zip(pauses, delivery.BACKOFF, strict=False)
    )

    await make_due(db)
    await set_copy(db, (await rows(db))[BOB]["id"], created_at=utcnow() - timedelta(days=2, minutes=1))
    await service.deliver_now(mail.id)

    copy = (await rows(db))[BOB]
    assert (copy["state"], copy["smtp_text"]) == ("failed", "4.2.0 greylisted")
    assert [one.state for one in tracker.reports] == ["failed"]


async def test_a_permanent_failure_is_shown_and_sent_again_only_by_hand(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker
) -> None:
    smtp.faults.append(Fault("rcpt", reply="550 5.1.1 no such user"))
    reply_id = await reply(db)
    mail = await queue(runtime, BOB, reply_id=reply_id)
    await service.deliver_now(mail.id)
    copy = (await rows(db))[BOB]
    assert (copy["state"], copy["smtp_code"], copy["smtp_text"]) == ("failed", 550, "5.1.1 no such user")
    badge = (await receipts.badges([reply_id]))[reply_id]
    assert badge.state == "failed"
    assert tracker.reports[0].detail == "5.1.1 no such user"
    await make_due(db)
    await service.deliver_now(mail.id)
    assert smtp.connections == 1

    smtp.faults.clear()
    await service.send_again(copy["id"])
    await service.deliver_now(mail.id)

    assert smtp.recipients() == [BOB]
    assert (await states(db)) == {BOB: "sent"}


async def test_a_drop_in_the_middle_of_data_costs_no_mail_and_gives_nobody_a_second_one(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    everybody = [f"b{n}@x.org" for n in range(8)]
    smtp.faults += [
        Fault("body", do="drop", after_bytes=100, recipient="b3@x.org", times=2),
        Fault("body", do="close", after_bytes=1, recipient="b5@x.org", times=1),
        Fault("after", do="drop", recipient="b6@x.org", times=1),
    ]
    mail = await queue(runtime, ", ".join(everybody))

    for _ in range(3):
        await service.deliver_now(mail.id)
        await make_due(db)

    assert smtp.recipients() == everybody
    assert set((await states(db)).values()) == {"sent"}


@pytest.mark.parametrize("keep", [True, False])
async def test_a_drop_after_the_final_dot_is_unknown_and_never_sent_again_by_itself(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker, keep: bool
) -> None:
    smtp.faults.append(Fault("dot", do="drop", keep=keep, times=1))
    reply_id = await reply(db)
    mail = await queue(runtime, BOB, reply_id=reply_id)

    await service.deliver_now(mail.id)
    await make_due(db)
    await end_leases(db)
    await delivery.reap(runtime)
    await service.deliver_now(mail.id)

    copy = (await rows(db))[BOB]
    assert copy["state"] == "unknown"
    assert "after the whole mail was sent" in copy["smtp_text"]
    assert len(smtp.accepted) == keep
    assert [one.state for one in tracker.reports] == ["unknown"]
    assert (await receipts.badges([reply_id]))[reply_id].state == "unknown"

    await service.send_again(copy["id"])
    await service.deliver_now(mail.id)
    assert len(smtp.accepted) == keep + 1
    assert (
        len({mail.data.partition(b"\r\n\r\n")[0].split(b"Message-ID: ")[1].split()[0] for mail in smtp.accepted}) == 1
    )


@pytest.mark.parametrize("state", ["queued", "claimed", "sending", "sent", "retry"])
async def test_what_may_still_be_on_its_way_is_not_sent_again(runtime: Runtime, db: Database, state: str) -> None:
    mail = await queue(runtime, BOB)
    await set_copy(db, mail.recipients[0].id, state=state)

    with pytest.raises(EmailRefused, match=f"is {state}; only one that failed or is unknown"):
        await service.send_again(mail.recipients[0].id)
    with pytest.raises(EmailRefused, match="no copy 999999"):
        await service.send_again(999_999)


async def test_sending_is_committed_before_data(runtime: Runtime, db: Database, smtp: ScriptedSmtp) -> None:
    smtp.faults.append(Fault("data", do="hang"))
    mail = await queue(runtime, BOB, enable_tracking=True, reply_id=await reply(db))
    work = asyncio.create_task(service.deliver_now(mail.id))
    await until(lambda: "DATA" in smtp.commands)

    copy = (await rows(db))[BOB]

    assert (copy["state"], copy["reports"]) == ("sending", "opens")
    assert copy["lease_until"] > utcnow() + timedelta(minutes=15)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_whoever_lost_the_lease_before_data_sends_nothing(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    mail = await queue(runtime, BOB)
    [copy] = await delivery.claim(runtime, owner="late", limit=5)
    stored = await building.load(runtime, mail.id)
    await end_leases(db)

    async with delivery.open_transport(runtime) as transport:
        await delivery.deliver(runtime, transport, stored, copy, "late")

    assert "DATA" not in smtp.commands
    assert await delivery.reap(runtime) == 1
    assert await states(db) == {BOB: "queued"}


async def test_a_copy_claimed_by_one_is_not_claimed_by_another(runtime: Runtime, db: Database) -> None:
    await queue(runtime, ", ".join(f"b{n}@x.org" for n in range(10)))

    claims = await asyncio.gather(*(delivery.claim(runtime, owner=f"w{n}", limit=4) for n in range(5)))

    ids = [copy.id for claimed in claims for copy in claimed]
    assert len(ids) == len(set(ids)) == 10


async def test_the_reaper_queues_what_was_claimed_and_marks_what_was_being_sent(
    runtime: Runtime, db: Database, tracker: Tracker
) -> None:
    reply_id = await reply(db)
    await queue(runtime, "claimed@x.org, sending@x.org, alive@x.org", reply_id=reply_id)
    copies = {copy.email: copy for copy in await delivery.claim(runtime, owner="dead", limit=5)}
    await set_copy(db, copies["sending@x.org"].id, state="sending")
    await end_leases(db)
    await set_copy(db, copies["alive@x.org"].id, lease_until=utcnow() + timedelta(minutes=1))

    assert await delivery.reap(runtime) == 2
    assert await delivery.reap(runtime) == 0

    found = await rows(db)
    assert {email: row["state"] for email, row in found.items()} == {
        "claimed@x.org": "queued",
        "sending@x.org": "unknown",
        "alive@x.org": "claimed",
    }
    assert "whether it arrived is not known" in found["sending@x.org"]["smtp_text"]
    assert [(one.recipient.email, one.state) for one in tracker.reports] == [("sending@x.org", "unknown")]
    assert (await receipts.badges([reply_id]))[reply_id].state == "unknown"


async def test_a_sender_that_outlives_its_lease_still_settles_what_it_knows(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    gate = asyncio.Event()
    mail = await queue(runtime, BOB)
    smtp.gates["dot"] = gate
    work = asyncio.create_task(service.deliver_now(mail.id))
    await until(lambda: smtp.waiting == 1)
    await end_leases(db)
    await delivery.reap(runtime)
    assert await states(db) == {BOB: "unknown"}

    gate.set()
    await work

    copy = (await rows(db))[BOB]
    assert (copy["state"], copy["smtp_code"]) == ("sent", 250)


async def test_a_copy_that_was_sent_again_is_not_settled_by_its_first_sender(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    gate = asyncio.Event()
    mail = await queue(runtime, BOB)
    [copy] = await delivery.claim(runtime, owner="first", limit=1)
    stored = await building.load(runtime, mail.id)
    smtp.gates["dot"] = gate
    async with delivery.open_transport(runtime) as transport:
        work = asyncio.create_task(delivery.deliver(runtime, transport, stored, copy, "first"))
        await until(lambda: smtp.waiting == 1)
        await end_leases(db)
        await delivery.reap(runtime)
        await service.send_again(copy.id)

        gate.set()
        await work

    assert await states(db) == {BOB: "queued"}


async def test_without_a_mail_server_mails_wait_and_say_so(settings: Settings, runtime: Runtime, db: Database) -> None:
    runtime.settings = settings.model_copy(update={"smtp_host": None})
    mail = await queue(runtime, BOB)

    for _ in range(3):
        await make_due(db)
        await service.deliver_now(mail.id)

    copy = (await rows(db))[BOB]
    assert (copy["state"], copy["attempts"]) == ("retry", 0)
    assert "SMTP_HOST is not set" in copy["smtp_text"]
    assert copy["next_attempt_at"] < utcnow() + timedelta(seconds=61)
    runtime.settings = settings
    await make_due(db)
    await service.deliver_now(mail.id)
    assert await states(db) == {BOB: "sent"}


async def test_a_database_that_fails_right_before_data_stops_the_mail(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> bool:
        raise DatabaseUnavailable("gone")

    mail = await queue(runtime, BOB)
    with monkeypatch.context() as patch:
        patch.setattr(queue_repository, "mark_sending", fails)
        with pytest.raises(DatabaseUnavailable):
            await service.deliver_now(mail.id)

    assert "DATA" not in smtp.commands
    await end_leases(db)
    await delivery.reap(runtime)
    await service.deliver_now(mail.id)
    assert smtp.recipients() == [BOB]


async def test_an_outcome_is_stored_even_if_the_badge_cannot_be(
    runtime: Runtime, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = await queue(runtime, BOB, reply_id=await reply(db))

    async def broken(conn: Connection, reply_id: int) -> None:
        raise KeyError("a fault in the badge")

    monkeypatch.setattr(receipts, "refresh", broken)
    await service.deliver_now(mail.id)

    assert await states(db) == {BOB: "sent"}


async def test_a_mail_that_cannot_be_built_waits_and_lets_the_others_go(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = await queue(runtime, BOB)
    good = await queue(runtime, "ann@x.org")
    prepare = building.prepare

    async def fails(runtime: Runtime, mail: Any, copy: Any) -> Any:
        if mail.id == bad.id:
            raise ZeroDivisionError
        return await prepare(runtime, mail, copy)

    monkeypatch.setattr(building, "prepare", fails)
    await service.deliver_now(bad.id)
    await service.deliver_now(good.id)

    found = await rows(db)
    assert (found[BOB]["state"], found["ann@x.org"]["state"]) == ("retry", "sent")
    assert "ZeroDivisionError" in found[BOB]["smtp_text"]


async def test_the_tickets_badge_follows_the_copies(runtime: Runtime, db: Database, smtp: ScriptedSmtp) -> None:
    reply_id = await reply(db)
    async with db.connection() as conn:
        ticket_id = await conn.fetch_value("SELECT ticket_id FROM ticket_replies WHERE id = %(id)s", {"id": reply_id})
    mail = await queue(runtime, BOB, reply_id=reply_id, enable_tracking=True)
    assert await last_receipt(db, ticket_id) == "queued"

    await service.deliver_now(mail.id)

    assert await last_receipt(db, ticket_id) == "sent"
