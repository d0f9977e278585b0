"""Receipts over a real database, with a plugin of the test's own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.accounts.models import User
from app.database import Connection, Database, Row, utcnow
from app.hookspecs import (
    ModuleInfo,
    RecipientActivity,
    ReplyActivity,
    TimelineEntry,
    hookimpl,
)
from app.live.events import ticket_topic
from app.receipts import fates, judging, repository, rules, service
from app.receipts.models import CopyState, Report
from app.runtime import Runtime
from app.settings import Settings
from tests.receipts.builders import MailedReply, last_receipt, mailed_reply, set_copy
from tests.support.live import published


class Reader:
    """A plugin that reports reading and knows one open of every recipient it was told of."""

    def __init__(self) -> None:
        self.activity: dict[int, ReplyActivity] = {}

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("reader", "Reader", "Knows who read.", "👓")

    @hookimpl
    def receipt_states(self) -> frozenset[str]:
        return frozenset({"read", "machine", "nonsense"})

    @hookimpl
    async def reply_activity(self, reply_ids: Sequence[int]) -> Mapping[int, ReplyActivity]:
        return {reply_id: self.activity[reply_id] for reply_id in reply_ids if reply_id in self.activity}


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
async def reading(settings: Settings, empty_database: None, reader: Reader) -> AsyncIterator[Database]:
    """A portal whose one plugin is enabled."""
    runtime = Runtime.build(settings, plugins={"reader": reader})
    with runtime.entered():
        await runtime.register_modules()
        async with runtime.database.transaction() as conn:
            await conn.execute("UPDATE integration_modules SET enabled = 1, version = version + 1")
        await runtime.open(watch=False)
        yield runtime.database
    await runtime.close()


def report_of(reply: MailedReply, receipt: str, recipient: int = 0) -> Report:
    return Report(reply.recipients[recipient].id, reply.reply_id, reply.ticket_id, receipt, utcnow())


async def report(db: Database, *reports: Report) -> None:
    async with db.transaction() as conn:
        await service.report(conn, reports)


async def last_read_at(db: Database, ticket_id: int) -> datetime | None:
    async with db.connection() as conn:
        found: datetime | None = await conn.fetch_value("SELECT last_read_at FROM tickets WHERE id = %s", [ticket_id])
    return found


async def events(db: Database) -> list[tuple[str, dict[str, object]]]:
    return [(event.topic, dict(event.detail)) for event in await published(db)]


async def test_a_report_turns_the_badge_and_tells_the_ticket_page_and_the_list(reading: Database) -> None:
    reply = await mailed_reply(reading)
    assert (await service.badges([reply.reply_id]))[reply.reply_id].word == "Sent"

    await report(reading, report_of(reply, "read"))

    assert (await service.badges([reply.reply_id]))[reply.reply_id].word == "Read"
    assert await last_receipt(reading, reply.ticket_id) == "read"
    change = {"kind": "receipt", "ticket_id": reply.ticket_id, "reply_id": reply.reply_id}
    assert await events(reading) == [(f"ticket:{reply.ticket_id}", change), ("tickets", change)]


async def test_a_read_that_turns_out_to_be_a_machines_is_taken_back(reading: Database) -> None:
    reply = await mailed_reply(reading)
    await report(reading, report_of(reply, "read"))
    await report(reading, replace(report_of(reply, "machine"), words="A scanner opened it."))
    [row] = (await service.panels([reply.reply_id]))[reply.reply_id].rows
    assert (row.state, row.words, row.first_opened) == ("machine", "A scanner opened it.", None)
    assert await last_receipt(reading, reply.ticket_id) == "machine"

    await report(reading, replace(report_of(reply, "machine"), receipt=None, at=None))
    assert (await service.badges([reply.reply_id]))[reply.reply_id].word == "Sent"
    assert await last_receipt(reading, reply.ticket_id) == "sent"
    page = ticket_topic(reply.ticket_id)
    assert [topic for topic, _ in await events(reading)] == [page, "tickets"] * 3


async def test_a_mails_fate_only_gets_worse_and_outlives_what_is_seen(reading: Database) -> None:
    reply = await mailed_reply(reading)
    await report(reading, report_of(reply, "bounced"), report_of(reply, "delivered"))
    assert await last_receipt(reading, reply.ticket_id) == "bounced"
    await report(reading, report_of(reply, "delivered"))
    await report(reading, report_of(reply, "read"))
    assert await last_receipt(reading, reply.ticket_id) == "bounced"
    await report(reading, report_of(reply, "complained"))
    assert await last_receipt(reading, reply.ticket_id) == "complained"


async def test_a_withdrawn_read_falls_back_to_delivered(reading: Database) -> None:
    reply = await mailed_reply(reading)
    await report(reading, report_of(reply, "delivered"), report_of(reply, "read"))
    assert await last_receipt(reading, reply.ticket_id) == "read"
    await report(reading, replace(report_of(reply, "read"), receipt=None, at=None))
    assert await last_receipt(reading, reply.ticket_id) == "delivered"


async def test_lists_are_told_only_of_what_looks_different_and_pages_also_of_what_was_heard(reading: Database) -> None:
    reply = await mailed_reply(reading)
    first = report_of(reply, "read")
    await report(reading, first)
    told = len(await events(reading))
    again = replace(first, last_at=utcnow() + timedelta(minutes=3))
    await report(reading, again)
    assert len(await events(reading)) == told
    assert await last_read_at(reading, reply.ticket_id) == again.last_at
    async with reading.transaction() as conn:
        await service.report(conn, [again], heard={reply.reply_id: reply.ticket_id})
    assert [topic for topic, _ in (await events(reading))[told:]] == [ticket_topic(reply.ticket_id)]


async def test_the_copies_that_became_read_are_named_once(reading: Database, agent: User) -> None:
    reply = await mailed_reply(reading, "bob@example.org", "ann@example.org", "eve@example.org", "joe@example.org")
    bob, ann, eve, joe = reply.recipients
    await judging.judge(ann.id, "unread", agent)
    await set_copy(reading, joe.id, replied_at=utcnow())
    async with reading.transaction() as conn:
        await service.report(conn, [report_of(reply, "machine", number) for number in range(3)])
    async with reading.transaction() as conn:
        read = [report_of(reply, "read", number) for number in (0, 1, 3)]
        assert await service.report(conn, [*read, report_of(reply, "machine", 2)]) == [bob.id]
    async with reading.transaction() as conn:
        assert await service.report(conn, [report_of(reply, "read", 0), report_of(reply, "read", 2)]) == [eve.id]


async def test_a_report_costs_as_many_statements_for_hundreds_of_copies_as_for_one(
    reading: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = await mailed_reply(reading, *(f"{number}@example.org" for number in range(300)))
    async with reading.transaction() as conn:
        await service.refresh(conn, reply.reply_id)
    reports = [report_of(reply, "read", number) for number in range(300)]
    sent: list[str] = []
    later, fetch_all = Connection.later, Connection.fetch_all

    def noted_later(conn: Connection, statement: str) -> None:
        sent.append(statement)
        later(conn, statement)

    async def noted_fetch(conn: Connection, sql: str, parameters: Any = None) -> list[Row]:
        sent.append(sql)
        return await fetch_all(conn, sql, parameters)

    monkeypatch.setattr(Connection, "later", noted_later)
    monkeypatch.setattr(Connection, "fetch_all", noted_fetch)
    counts = []
    for some in (reports[:1], reports):
        sent.clear()
        await report(reading, *some)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 11
    assert (await service.badges([reply.reply_id]))[reply.reply_id].word == "All read"


async def test_words_are_cut_where_the_column_ends(reading: Database) -> None:
    reply = await mailed_reply(reading)
    await report(reading, replace(report_of(reply, "machine"), words="ä" * 300))
    await report(reading, replace(report_of(reply, "read"), words="ö" * 200))
    [row] = (await service.panels([reply.reply_id]))[reply.reply_id].rows
    assert row.words == "ö" * 200
    await report(reading, replace(report_of(reply, "read"), words="ä" * 201))
    [row] = (await service.panels([reply.reply_id]))[reply.reply_id].rows
    assert row.words == "ä" * 199 + "…"


async def test_a_receipt_without_its_time_is_refused(reading: Database) -> None:
    reply = await mailed_reply(reading)
    with pytest.raises(ValueError, match="'read' needs the time"):
        await report(reading, replace(report_of(reply, "read"), at=None))


async def test_a_report_in_a_transaction_that_fails_leaves_nothing(reading: Database) -> None:
    reply = await mailed_reply(reading)
    with pytest.raises(LookupError):
        async with reading.transaction() as conn:
            await service.report(conn, [report_of(reply, "read")])
            raise LookupError
    assert (await service.badges([reply.reply_id]))[reply.reply_id].state == "sent"
    assert await events(reading) == []


async def test_a_report_of_a_copy_that_is_gone_changes_nothing(reading: Database) -> None:
    reply = await mailed_reply(reading)
    await report(reading, replace(report_of(reply, "read"), recipient_id=4711))
    assert (await service.badges([reply.reply_id]))[reply.reply_id].state == "sent"


async def test_a_word_that_is_no_receipt_is_refused(reading: Database) -> None:
    reply = await mailed_reply(reading)
    with pytest.raises(ValueError, match="glanced"):
        await report(reading, report_of(reply, "glanced"))


async def test_of_many_reports_the_last_of_each_copy_counts(reading: Database) -> None:
    one = await mailed_reply(reading, "bob@example.org", "ann@example.org")
    other = await mailed_reply(reading)
    noon = utcnow().replace(microsecond=0)
    given = [
        replace(report_of(one, "machine"), at=noon + timedelta(minutes=9)),
        replace(report_of(one, "delivered"), at=noon),
        replace(report_of(one, "read"), at=noon + timedelta(minutes=1)),
        replace(report_of(one, "read", 1), at=noon),
        replace(report_of(one, "machine", 1), at=noon),
        replace(report_of(other, "read"), at=noon),
    ]
    await report(reading, *given)
    panel = (await service.panels([one.reply_id]))[one.reply_id]
    assert [row.state for row in panel.rows] == ["read", "machine"]
    assert panel.badge.at == noon + timedelta(minutes=1)
    assert await last_receipt(reading, one.ticket_id) == "read"
    assert await last_receipt(reading, other.ticket_id) == "read"
    assert len(await events(reading)) == 4


async def test_a_ticket_keeps_when_its_last_reply_was_last_read(reading: Database, agent: User) -> None:
    reply = await mailed_reply(reading, "bob@example.org", "ann@example.org")
    noon = utcnow().replace(microsecond=0)
    await report(reading, replace(report_of(reply, "machine"), at=noon))
    assert await last_read_at(reading, reply.ticket_id) is None
    await report(reading, replace(report_of(reply, "read"), at=noon, last_at=noon + timedelta(hours=2)))
    await report(reading, replace(report_of(reply, "read", 1), at=noon + timedelta(hours=1)))
    assert await last_read_at(reading, reply.ticket_id) == noon + timedelta(hours=2)

    await report(reading, replace(report_of(reply, "machine"), at=noon))
    assert await last_read_at(reading, reply.ticket_id) == noon + timedelta(hours=1)
    await judging.judge(reply.recipients[1].id, "unread", agent)
    assert await last_read_at(reading, reply.ticket_id) is None
    await judging.judge(reply.recipients[0].id, "read", agent)
    [row, _] = (await service.panels([reply.reply_id]))[reply.reply_id].rows
    assert row.judged is not None
    assert await last_read_at(reading, reply.ticket_id) == row.judged.at


async def test_an_earlier_reply_does_not_change_the_tickets_badge(reading: Database) -> None:
    first = await mailed_reply(reading)
    second = await mailed_reply(reading, ticket_id=first.ticket_id)
    async with reading.transaction() as conn:
        await service.refresh(conn, second.reply_id)
    await report(reading, report_of(first, "read"))
    assert await last_receipt(reading, first.ticket_id) == "sent"


async def test_two_copies_that_change_at_once_leave_the_badge_of_both(reading: Database) -> None:
    reply = await mailed_reply(reading, "bob@example.org", "ann@example.org", state="sending")

    async def sent(recipient_id: int) -> None:
        async with reading.transaction() as conn:
            await conn.execute("UPDATE email_recipients SET state = 'sent' WHERE id = %(id)s", {"id": recipient_id})
            both_changed.release()
            await first_may_go.wait()
            await service.refresh(conn, reply.reply_id)

    both_changed, first_may_go = asyncio.Semaphore(0), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for recipient in reply.recipients:
            group.create_task(sent(recipient.id))
        await both_changed.acquire()
        await both_changed.acquire()
        first_may_go.set()

    assert await last_receipt(reading, reply.ticket_id) == "sent"


async def test_what_the_database_makes_of_the_copies_is_what_the_rules_say(reading: Database) -> None:
    states = [*rules.OF_SENDING]
    chance = random.Random(7)  # noqa: S311
    now = utcnow()
    for _ in range(60):
        reply = await mailed_reply(reading, *(f"{number}@example.org" for number in range(chance.randint(1, 3))))
        copies = []
        for recipient in reply.recipients:
            values: dict[str, Any] = {
                "state": chance.choice(states),
                "seen": chance.choice([None, *rules.SEEN]),
                "fate": chance.choice([None, None, *fates.FATES]),
                "replied_at": chance.choice([None, None, None, now]),
                "judged": chance.choice([None, None, *rules.VERDICTS]),
                "reports": chance.choice(["", "opens"]),
            }
            moments = {"seen_at": now, "last_seen_at": now, "fate_at": now, "judged_at": now}
            await set_copy(reading, recipient.id, **values, **moments)
            copies.append(CopyState(values["state"], bool(values["reports"]), _receipt_of(values)))
        async with reading.transaction() as conn:
            await service.refresh(conn, reply.reply_id)
            found = await repository.copies_of(conn, [reply.reply_id])
        assert [copy.receipt for copy in found] == [copy.receipt for copy in copies]
        assert all(copy.receipt_at == now for copy in found if copy.receipt is not None)
        assert await last_receipt(reading, reply.ticket_id) == rules.overall(copies, rules.STATES), copies


def _receipt_of(values: dict[str, Any]) -> str | None:
    """What shows of a copy: complained, bounced, replied, judged, seen, delivered, in this order."""
    if values["fate"] in {"complained", "bounced"}:
        return str(values["fate"])
    if values["replied_at"]:
        return "replied"
    if values["judged"] == "read":
        return "read"
    seen = None if values["judged"] == "unread" and values["seen"] == "read" else values["seen"]
    found: str | None = seen or values["fate"]
    return found


async def test_the_panel_merges_what_plugins_know(reading: Database, reader: Reader) -> None:
    reply = await mailed_reply(reading, "bob@example.org", "cc:ann@example.org")
    bob, ann = reply.recipients
    opened = utcnow() + timedelta(minutes=1)
    reader.activity[reply.reply_id] = ReplyActivity(
        recipients=(
            RecipientActivity(bob.id, opened, opened + timedelta(minutes=2), 3, {"https://a.test/": 1}, 2, 7),
            RecipientActivity(bob.id, opened - timedelta(seconds=30), opened, 1, {"https://b.test/": 5}, 1),
        ),
        timeline=(
            TimelineEntry(opened, bob.id, "open", "Opened", "in Thunderbird"),
            TimelineEntry(opened - timedelta(seconds=40), ann.id, "open", "Opened", "by a scanner", machine=True),
            TimelineEntry(opened, 4711, "open", "Opened by nobody of this reply"),
        ),
    )
    await report(reading, replace(report_of(reply, "read"), at=opened, words="A person opened it."))

    panel = (await service.panels([reply.reply_id, 4711]))[reply.reply_id]

    assert (panel.badge.state, panel.badge.word) == ("read", "Read by 1 of 2")
    assert panel.badge.detail_id == f"receipt-{reply.reply_id}"
    first, second = panel.rows
    assert (first.role, first.email, first.state, first.opens) == ("To", "bob@example.org", "read", 4)
    assert (first.first_opened, first.last_opened) == (opened - timedelta(seconds=30), opened + timedelta(minutes=2))
    assert first.links == (("https://b.test/", 5), ("https://a.test/", 1))
    assert (first.machine_opens, first.machine_clicks, first.words) == (3, 7, "A person opened it.")
    assert (second.role, second.email, second.state, second.first_opened) == ("Cc", ann.email, "sent", None)
    assert (panel.timeline[0].words, panel.timeline[0].reason) == ("Opened (bob@example.org)", "in Thunderbird")
    assert [line.kind for line in panel.timeline] == ["open", "open", "sent", "sent", "queued"]
    assert [(line.machine, line.email) for line in panel.timeline[:2]] == [(False, bob.email), (True, ann.email)]


async def test_a_failed_copy_shows_the_servers_words_and_can_be_sent_again(reading: Database) -> None:
    reply = await mailed_reply(reading, state="failed")
    await set_copy(reading, reply.recipients[0].id, smtp_text="550 mailbox full")
    [row] = (await service.panels([reply.reply_id]))[reply.reply_id].rows
    assert (row.state, row.word, row.detail) == ("failed", "Failed: 550 mailbox full", "550 mailbox full")
    assert row.can_send_again


async def test_without_the_plugin_the_badge_says_sent(runtime: Runtime) -> None:
    reply = await mailed_reply(runtime.database, reports="")
    await set_copy(runtime.database, reply.recipients[0].id, seen="read", seen_at=utcnow(), seen_words="It was read.")
    [row] = (await service.panels([reply.reply_id]))[reply.reply_id].rows
    assert (row.words, row.first_opened, row.can_judge) == ("", None, "")
    assert (await service.badges([reply.reply_id]))[reply.reply_id].word == "Sent"


async def test_only_receipts_that_have_a_badge_become_visible(reading: Database) -> None:
    visible = await service.visible_states()
    assert "read" in visible
    assert "nonsense" not in visible
    assert "delivered" not in visible


async def test_a_reply_that_was_not_mailed_has_no_badge(reading: Database) -> None:
    assert await service.badges([4711]) == {}
    assert await service.panels([]) == {}


async def test_what_machines_did_is_no_reason_where_the_recipient_answered(reading: Database) -> None:
    made = await mailed_reply(reading)
    [bob] = made.recipients
    await set_copy(reading, bob.id, seen="machine", seen_at=utcnow(), seen_words="A scanner.", replied_at=utcnow())
    [row] = (await service.panels([made.reply_id]))[made.reply_id].rows
    assert (row.state, row.words) == ("replied", "The recipient answered.")
