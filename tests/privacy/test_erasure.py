"""Erasing a person: nothing that tells of them stays but what the page says, and a part that fails is shown."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from quart import Quart

from app import worker
from app.accounts.models import User
from app.contacts import service as contacts
from app.database import utcnow
from app.hookspecs import ContactData, ModuleInfo, WorkDone, hookimpl
from app.plugin_host import PluginHost
from app.privacy import erasure, people
from app.privacy.models import Erasure
from app.reports import rebuild
from app.runtime import Runtime
from app.services import tickets
from plugins.plausible import personal, retention
from plugins.plausible.events import CLICK
from plugins.plausible.links import Links
from plugins.plausible.tokens import Signer
from tests.conftest import PORTAL_URL, SECRET_KEY
from tests.plausible.recording import count, event, rows, stored
from tests.privacy.conftest import BODY, CANARIES, FIRST, SECOND, Person, found_in
from tests.receipts.builders import mailed_reply


async def erased(portal: Runtime, person: Person, *, keeps_ours: bool = False) -> Erasure:
    await erasure.request(person.contact_id, by=None, keeps_ours=keeps_ours)
    await erasure.run_due(portal)
    found = await erasure.last_of(person.contact_id)
    assert found is not None
    return found


async def test_nothing_is_left_in_any_column_of_any_table(portal: Runtime, person: Person) -> None:
    assert set(await found_in(portal)) == set(CANARIES), "each was there before"
    found = await erased(portal, person)
    assert found.finished_at is not None
    assert [(part.name, part.state) for part in found.parts] == [("portal", "done"), ("plausible", "done")]
    assert await found_in(portal) == {}
    assert found.parts[0].counts["messages"] == 4
    assert found.parts[1].counts == {"opens and clicks": 4, "events set aside": 1}


async def test_numbers_times_and_counts_stay(portal: Runtime, person: Person) -> None:
    sums = "SELECT open_count, click_count, person_opens, state FROM email_tracking_recipients"
    replies = "SELECT id, ticket_id, kind, created_at, email_open_count FROM ticket_replies ORDER BY id"
    before = await rows(portal.database, sums), await rows(portal.database, replies)
    await erased(portal, person)
    assert (await rows(portal.database, sums), await rows(portal.database, replies)) == before
    assert before[0][0]["open_count"] == 3
    contact = await contacts.contact(person.contact_id)
    assert (contact.name, contact.email) == ("Erased contact", people.placeholder(person.contact_id))
    assert (await tickets.ticket(person.ticket_id)).subject == "Erased"
    assert (await tickets.ticket(person.other_ticket_id)).subject == "Eve's matter"
    [eve] = await rows(portal.database, "SELECT email FROM email_recipients WHERE email LIKE 'eve@%'")
    assert eve["email"] == "eve@example.org"
    [draft] = await rows(portal.database, "SELECT to_line, cc_line, body_html FROM drafts")
    assert draft == {"to_line": "eve@example.org", "cc_line": "", "body_html": "<p>Tell … too</p>"}


async def test_what_we_wrote_can_be_kept(portal: Runtime, person: Person) -> None:
    await erased(portal, person, keeps_ours=True)
    texts = [
        row["body_text"] for row in await rows(portal.database, "SELECT body_text FROM ticket_replies ORDER BY id")
    ]
    assert [BODY in text for text in texts] == [False, True, False, False, False]
    places = await found_in(portal)
    allowed = {
        "ticket_replies.body_html", "ticket_replies.body_text", "outgoing_emails.html_body",
        "outgoing_emails.text_body", "outgoing_emails.subject", "tickets.subject", "ticket_words.words",
        "ticket_new_words.words",
    }  # fmt: skip
    assert set().union(*places.values()) <= allowed
    assert "canary" not in places, "no address"
    await erased(portal, person)
    assert await found_in(portal) == {}, "the rest can go later"


async def test_their_links_lead_on_and_nothing_is_recorded_any_more(
    site: Quart, portal: Runtime, person: Person
) -> None:
    world = site.test_client()
    links = Links(PORTAL_URL, Signer([SECRET_KEY]))
    pixel = str(links.pixel(person.tracking_id)).removeprefix(PORTAL_URL)
    click = str(links.click(person.tracking_id, "https://example.org/x")).removeprefix(PORTAL_URL)
    await world.get(pixel, scope_base={"client": ("203.0.113.7", 1)})
    assert await count(portal.database, "email_tracking_events") == 5, "the process knows the copy"
    await erased(portal, person)
    sums = await rows(portal.database, "SELECT open_count, click_count, state FROM email_tracking_recipients")
    for path in (pixel, click, pixel):
        response = await world.get(path, scope_base={"client": ("203.0.113.7", 1)})
        assert response.status_code in {200, 302}
    assert (await world.get(click)).headers["location"] == "https://example.org/x"
    assert not await stored(portal, event(person.tracking_id)), "nor by what waited in the spool"
    assert await count(portal.database, "email_tracking_events") == 0
    assert await rows(portal.database, "SELECT open_count, click_count, state FROM email_tracking_recipients") == sums


async def test_who_writes_again_is_somebody_new(portal: Runtime, person: Person) -> None:
    await erased(portal, person)
    ticket_id = await tickets.create_ticket(subject="Again", requester=FIRST, text_body="Hi", created_by=None)
    assert (await tickets.ticket(ticket_id)).contact_id != person.contact_id


async def test_it_can_be_repeated_and_finds_nothing_more(portal: Runtime, person: Person) -> None:
    await erased(portal, person)
    again = await erased(portal, person)
    assert again.finished_at is not None
    assert all(part.counts == {} for part in again.parts)


async def test_the_audit_log_says_who_asked_and_not_for_whom(portal: Runtime, person: Person, ada: User) -> None:
    await erasure.request(person.contact_id, by=ada, keeps_ours=False)
    await erasure.run_due(portal)
    lines = await rows(portal.database, "SELECT user_id, action, subject FROM audit_log WHERE subject LIKE 'contact:%'")
    subject = f"contact:{person.contact_id}"
    assert lines == [
        {"user_id": ada.id, "action": "contact.erase", "subject": subject},
        {"user_id": None, "action": "contact.erased", "subject": subject},
    ]


class Died(BaseException):
    """The process is gone."""


class Stubborn:
    """Fails until it is told otherwise; then works in pieces."""

    def __init__(self) -> None:
        self.fails = True
        self.asked: list[ContactData] = []

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("stubborn", "Stubborn", "Fails.", "🪨")

    @hookimpl
    async def erase_contact(self, contact: ContactData) -> WorkDone:
        self.asked.append(contact)
        if self.fails:
            raise RuntimeError("its disk is away")
        return WorkDone({"stones": 2}, done=len(self.asked) > 3)


@pytest.fixture
async def stubborn(portal: Runtime, monkeypatch: pytest.MonkeyPatch) -> Stubborn:
    plugin = Stubborn()
    plugins = {**portal.plugins.plugins, "stubborn": plugin}
    monkeypatch.setattr(portal, "plugins", PluginHost(plugins))
    return plugin


async def test_a_part_that_fails_is_shown_and_done_later_with_all_it_needs(
    portal: Runtime, person: Person, stubborn: Stubborn
) -> None:
    found = await erased(portal, person)
    assert found.finished_at is None
    [failed] = found.failed
    assert (failed.name, failed.words) == ("stubborn", "RuntimeError: its disk is away")
    assert failed.next_at > utcnow()
    assert {part.name: part.state for part in found.parts}["portal"] == "done"
    assert await found_in(portal) == {}, "whom it is about is kept encrypted only"
    assert await erasure.run_due(portal) == 0, "not before its time"

    stubborn.fails = False
    await erasure.try_again(found.id)
    await erasure.run_due(portal)
    done = await erasure.last_of(person.contact_id)
    assert done is not None
    assert done.finished_at is not None
    assert {part.name: part.counts for part in done.parts}["stubborn"] == {"stones": 6}
    assert stubborn.asked[-1].addresses == (FIRST, SECOND), "though the portal forgot them"
    assert len(stubborn.asked[-1].recipient_ids) == 1
    [row] = await rows(portal.database, "SELECT person FROM contact_erasures")
    assert row["person"] == ""


async def test_a_second_request_while_one_runs_is_the_same(portal: Runtime, person: Person, stubborn: Stubborn) -> None:
    found = await erased(portal, person)
    assert (await erasure.request(person.contact_id, by=None, keeps_ours=False)).id == found.id


async def test_mails_that_wait_are_not_sent_and_one_under_way_is_waited_for(portal: Runtime, person: Person) -> None:
    async with portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_recipients SET state = IF(email = %(email)s, 'sending', 'queued')", {"email": FIRST}
        )
    found = await erased(portal, person)
    portals = found.parts[0]
    assert (portals.state, "being sent" in portals.words) == ("waiting", True)
    assert found.parts[1].state == "done", "the module does not wait"
    async with portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_recipients SET state = 'sent', smtp_text = 'Quirina was here' WHERE state = 'sending'"
        )
    await erasure.try_again(found.id)
    await erasure.run_due(portal)
    found = await erasure.last_of(person.contact_id) or found
    assert "on the way to somebody else" in found.parts[0].words, "Eve's copy needs its text"
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET state = 'sent' WHERE state = 'queued'")
    await erasure.try_again(found.id)
    await erasure.run_due(portal)
    assert await found_in(portal) == {}


async def test_a_mail_that_waits_for_them_is_never_sent(portal: Runtime, person: Person) -> None:
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET state = 'retry' WHERE email = %(email)s", {"email": FIRST})
    assert (await erased(portal, person)).finished_at is not None
    states = await rows(portal.database, "SELECT state FROM email_recipients WHERE erased_at IS NOT NULL")
    assert states == [{"state": "failed"}]


async def test_a_process_that_died_in_the_middle_leaves_the_rest_to_another(
    portal: Runtime, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await erasure.request(person.contact_id, by=None, keeps_ours=False)

    async def dies(*_: object) -> WorkDone:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(personal, "delete_events", dies)
        with pytest.raises(Died):
            await erasure.run_due(portal)
    assert await erasure.run_due(portal) == 0, "its lease still holds"
    async with portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE contact_erasure_parts SET next_at = %(past)s", {"past": utcnow() - timedelta(seconds=1)}
        )
    await erasure.run_due(portal)
    assert await found_in(portal) == {}


async def test_many_events_go_in_batches(portal: Runtime, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal, "DELETED", 1)
    monkeypatch.setattr(retention, "DELETED", 1)
    found = await erased(portal, person)
    assert found.parts[1].counts["opens and clicks"] == 4


async def test_the_worker_does_it(portal: Runtime, person: Person) -> None:
    await erasure.request(person.contact_id, by=None, keeps_ours=False)
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(portal, stop=stop))
    try:
        async with asyncio.timeout(10):
            while await erasure.unfinished():
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await working
    assert await found_in(portal) == {}


async def test_links_of_others_are_counted_again_and_theirs_are_not(portal: Runtime, person: Person) -> None:
    other = await mailed_reply(portal.database, "someone@example.org")
    for number in range(2):
        assert await stored(portal, event(other.recipients[0].tracking_id, CLICK, url=f"https://example.org/{number}"))
    await erased(portal, person)
    async with portal.database.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM report_items WHERE kind = 'link'") == 0
    await rebuild.tend(portal.database, portal.plugins)
    names = await rows(portal.database, "SELECT DISTINCT name FROM report_items WHERE kind = 'link' ORDER BY name")
    assert [row["name"] for row in names] == ["example.org/0", "example.org/1"]
    assert await found_in(portal) == {}
