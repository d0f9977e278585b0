"""Who refuses is not tracked: the whole way from the footer's link to the next reply, and to what is recorded."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.consent.links import OptOutLinks
from app.hookspecs import Delivery, Recipient
from app.localdb import LocalDatabase
from app.runtime import Runtime, current
from app.services import consent, departments, modules, receipts, tickets
from app.services import contacts as people
from app.services import email as mails
from app.settings import Settings
from tests.plausible.test_main_job import BODY, badge, parts, send, tracked
from tests.support.reader import FOLLOWED, SHOWN
from tests.support.scripted_smtp import ScriptedSmtp
from tests.support.web import get, post

FOOTER = re.compile(r'href="http://portal\.test(/privacy/[^"]+)"')
FIELDS = re.compile(r'name="(form|decision)" value="([^"]+)"')
NOTED = re.compile(r"Refused on \d+ \w{3} \d{4} by the opt-out page\.")


@pytest.fixture
def portal_settings(settings: Settings, smtp: ScriptedSmtp) -> Settings:
    """A portal with a mail server."""
    return settings.model_copy(update={"smtp_host": smtp.host, "smtp_port": smtp.port})


@pytest.fixture
async def ticket_id(portal: Runtime) -> int:
    await modules.save("plausible", {"opt_out_link": True}, user=None)
    return await tickets.create_ticket(
        subject="Printer", requester="Bob <bob@example.org>", html_body="<p>It smokes.</p>", created_by=None
    )


async def contact_id(ticket_id: int) -> int:
    return (await tickets.ticket(ticket_id)).contact_id


async def press(world: Client, link: str) -> None:
    """What a person does: open the page, press its button."""
    page = await (await world.get(link)).get_data(as_text=True)
    response = await world.post(link, form=dict(FIELDS.findall(page)))
    assert (response.status_code, response.location) == (303, link)


async def stored(table: str = "email_tracking_events") -> int:
    async with current().database.connection() as conn:
        return int(await conn.fetch_value(f"SELECT COUNT(*) FROM {table}"))  # noqa: S608


async def words(reply_id: int, email: str = "bob@example.org") -> str:
    return next(row.words for row in (await receipts.panels([reply_id]))[reply_id].rows if row.email == email)


async def test_refusing_by_the_page_ends_tracking_of_the_next_reply_and_of_the_mails_before(
    world: Client, smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    await send(ticket_id, gus)
    html, text = parts(smtp.accepted[0])
    pixel, click = tracked(html)
    [link] = FOOTER.findall(html)
    assert f"Turn this off: http://portal.test{link}" in text.splitlines()
    await world.get(pixel, headers=SHOWN)
    assert await stored() == 1

    await press(world, link)

    later = await send(ticket_id, gus)
    html, text = parts(smtp.accepted[1])
    assert not re.search("email-tracking|/privacy/|We can see", html + text)
    assert 'href="https://example.org/guide?a=1&amp;b=2"' in html
    assert await badge(later.id) == "Not tracked"
    assert NOTED.fullmatch(await words(later.id))
    # The copy is remembered in this process; a second later the refusal counts for it too.
    await asyncio.sleep(1.1)
    assert (await world.get(pixel, headers=SHOWN)).status_code == 200
    response = await world.get(click, headers=FOLLOWED)
    assert (response.status_code, response.location) == (302, "https://example.org/guide?a=1&b=2")
    assert await stored() == 1


async def test_a_copy_that_no_process_remembers_is_not_recorded_either(
    world: Client, smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    await send(ticket_id, gus)
    pixel, click = tracked(parts(smtp.accepted[0])[0])
    await consent.decide(await contact_id(ticket_id), "refused", source="agent", user_id=gus.id)
    await world.get(pixel, headers=SHOWN)
    await world.get(click, headers=FOLLOWED)
    assert (await stored(), await stored("email_tracking_recipients")) == (0, 0)
    await consent.decide(await contact_id(ticket_id), "allowed", source="agent", user_id=gus.id)
    await world.get(pixel, headers=SHOWN)
    assert await stored() == 1


async def test_a_refusal_while_the_database_is_away_counts_for_what_was_spooled(
    world: Client, smtp: ScriptedSmtp, ticket_id: int, gus: User, database_server: LocalDatabase
) -> None:
    await send(ticket_id, gus)
    pixel, _ = tracked(parts(smtp.accepted[0])[0])
    await consent.decide(await contact_id(ticket_id), "refused", source="agent", user_id=gus.id)
    database_server.pause()
    try:
        assert (await world.get(pixel, headers=SHOWN)).status_code == 200
    finally:
        database_server.resume()
    async with asyncio.timeout(20):
        while "myportal_tracking_spool_records 0.0" not in await (await world.get("/metrics")).get_data(as_text=True):
            await asyncio.sleep(0.1)
    assert await stored() == 0


async def test_looking_changes_nothing_and_neither_does_a_program_that_posts(
    world: Client, smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    await send(ticket_id, gus)
    [link] = FOOTER.findall(parts(smtp.accepted[0])[0])
    for request in (world.get, world.head, world.options):
        assert (await request(link)).status_code == 200
    for form in ({}, {"decision": "refused"}, {"decision": "refused", "form": "x" * 24}, {"form": "", "decision": ""}):
        response = await world.post(link, form=form)
        assert response.status_code == 400
        assert "Nothing was changed" in await response.get_data(as_text=True)
    assert (await world.post(link, data=b"List-Unsubscribe=One-Click")).status_code == 400
    assert (await people.contact(await contact_id(ticket_id))).tracking == "unknown"
    assert await stored("contact_tracking_decisions") == 0


async def test_the_page_stands_alone_and_leaves_no_trace_in_the_browser(
    world: Client, smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    await send(ticket_id, gus)
    [link] = FOOTER.findall(parts(smtp.accepted[0])[0])
    response = await world.get(link)
    page = await response.get_data(as_text=True)
    assert "Set-Cookie" not in response.headers
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert response.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert '<meta name="robots" content="noindex">' in page
    assert "<b>b…@example.org</b>" in page
    assert "<script" not in page
    fields = dict(FIELDS.findall(page))
    answer = await world.post(link, form=fields)
    assert "Set-Cookie" not in answer.headers
    page = await (await world.get(link)).get_data(as_text=True)
    assert "Tracking is off" in page
    assert NOTED.search(page)
    # The decision can be taken back by the same link.
    await press(world, link)
    assert [one.decision for one in await consent.decisions(await contact_id(ticket_id))] == ["allowed", "refused"]
    assert {one.source for one in await consent.decisions(await contact_id(ticket_id))} == {"page"}


@pytest.mark.parametrize("token", ["1-" + "x" * 24, "1", "x" * 500, "1-%00", "-1-" + "x" * 24])
async def test_a_tampered_link_says_so_and_changes_nothing(world: Client, ticket_id: int, token: str) -> None:
    for answer in (await world.get(f"/privacy/{token}"), await world.post(f"/privacy/{token}", form={"form": "x"})):
        assert answer.status_code == 404
        assert "Nothing was changed" in await answer.get_data(as_text=True)
        assert "Set-Cookie" not in answer.headers


async def test_a_link_whose_copy_is_gone_says_so(world: Client, portal: Runtime, ticket_id: int) -> None:
    links = OptOutLinks(portal.settings.keys)
    token = links.token(99)
    assert (await world.get(f"/privacy/{token}")).status_code == 404
    form = {"form": links.form(token), "decision": "refused"}
    assert (await world.post(f"/privacy/{token}", form=form)).status_code == 404


async def test_without_the_database_the_page_says_what_to_do(
    world: Client, smtp: ScriptedSmtp, ticket_id: int, gus: User, database_server: LocalDatabase
) -> None:
    await send(ticket_id, gus)
    [link] = FOOTER.findall(parts(smtp.accepted[0])[0])
    fields = dict(FIELDS.findall(await (await world.get(link)).get_data(as_text=True)))
    database_server.stop()
    try:
        for answer in (await world.get(link), await world.post(link, form=fields)):
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
            assert "answer our mail and tell us" in await answer.get_data(as_text=True)
            assert "Set-Cookie" not in answer.headers
        assert (await world.get("/privacy/1-x")).status_code == 404
    finally:
        database_server.start()


async def test_each_copy_goes_by_its_own_recipient(
    world: Client, smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    await consent.decide(await contact_id(ticket_id), "refused", source="api", user_id=gus.id)
    sent = await send(ticket_id, gus, to="bob@example.org", cc="Ann <ann@example.org>")
    by_recipient = {mail.recipient: parts(mail)[0] for mail in smtp.accepted}
    assert "email-tracking" not in by_recipient["bob@example.org"]
    pixel, _ = tracked(by_recipient["ann@example.org"])
    await world.get(pixel, headers=SHOWN)
    assert await badge(sent.id) == "Read"
    # Ann was nobody's contact: by refusing she becomes one, under her own name.
    [link] = FOOTER.findall(by_recipient["ann@example.org"])
    await press(world, link)
    [ann] = (await people.list_contacts("ann")).rows
    assert (ann.name, (await people.contact(ann.id)).tracking) == ("Ann", "refused")


async def test_what_agents_see_has_no_footer_and_a_quote_of_it_decides_nothing(
    gus_client: Client, smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    sent = await send(ticket_id, gus)
    html, _ = parts(smtp.accepted[0])
    [link] = FOOTER.findall(html)
    assert "/privacy/" not in await (await get(gus_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert sent.mail is not None
    message_id = await tickets.add_customer_message(ticket_id, email="bob@example.org", html_body=f"<p>Ok</p>{html}")
    frame = await (await get(gus_client, f"/tickets/{ticket_id}/messages/{message_id}/frame")).get_data(as_text=True)
    assert "We can see when" in frame
    assert link not in frame
    assert "/privacy/removed" in frame


async def test_the_footer_stands_only_in_tracked_copies_and_only_when_wanted(
    smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    await send(ticket_id, gus, enable_tracking=False)
    await modules.save("plausible", {"opt_out_link": False}, user=None)
    await send(ticket_id, gus)
    assert [bool(FOOTER.search(parts(mail)[0])) for mail in smtp.accepted] == [False, False]
    await modules.save("plausible", {"opt_out_link": True, "track_clicks": False}, user=None)
    await send(ticket_id, gus, bcc="eve@example.org")
    html = {mail.recipient: parts(mail)[0] for mail in smtp.accepted[2:]}
    assert "We can see when this mail is opened. <a" in html["bob@example.org"]
    assert "/privacy/" not in html["eve@example.org"]


@pytest.mark.parametrize(
    ("values", "department", "decision", "wanted", "pixel", "click", "why"),
    [
        ({}, "off", None, None, False, False, "Off for the department Sales."),
        ({}, "off", None, True, True, True, ""),
        ({}, "opens", None, None, True, False, ""),
        ({}, "clicks", None, True, False, True, ""),
        ({}, "off", "allowed", None, True, True, ""),
        ({}, "both", None, False, False, False, "Turned off for this reply."),
        ({"track_by_default": "off"}, "inherit", None, None, False, False, "Off in the module's settings."),
        ({"track_by_default": "off"}, "both", None, None, True, True, ""),
        ({"track_by_default": "clicks"}, None, None, None, False, True, ""),
        ({"track_unknown": False}, "both", None, None, False, False, "The contact has not allowed it."),
        ({"track_unknown": False}, None, "allowed", None, True, True, ""),
        ({"track_opens": False}, "both", "allowed", True, False, True, ""),
    ],
)
async def test_module_department_contact_and_message_decide_what_the_copy_carries(
    smtp: ScriptedSmtp,
    ticket_id: int,
    gus: User,
    values: dict[str, Any],
    department: str | None,
    decision: str | None,
    wanted: bool | None,
    pixel: bool,
    click: bool,
    why: str,
) -> None:
    await modules.save("plausible", values, user=None)
    if department is not None:
        sales = await departments.add(by=gus, name="Sales", tracking=department)
        await tickets.change(ticket_id, user=gus, department_id=sales)
    if decision is not None:
        await consent.decide(await contact_id(ticket_id), decision, source="agent", user_id=gus.id)
    sent = await send(ticket_id, gus, enable_tracking=wanted)
    html, _ = parts(smtp.accepted[0])
    assert ("email-tracking/pixel" in html, "email-tracking/click" in html) == (pixel, click)
    assert await badge(sent.id) == ("Sent" if pixel or click else "Not tracked")
    assert await words(sent.id) == why
    assert sent.mail is not None
    assert sent.mail.enable_tracking == (pixel or click)


async def test_a_mail_that_waited_goes_by_what_holds_when_it_leaves(
    smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    sent = await tickets.add_reply(ticket_id, author=gus, html_body=BODY)
    assert sent.mail is not None
    assert sent.mail.enable_tracking
    await consent.decide(await contact_id(ticket_id), "refused", source="import", user_id=None)
    await mails.deliver_now(sent.mail.id)
    assert "email-tracking" not in parts(smtp.accepted[0])[0]
    assert await badge(sent.id) == "Not tracked"


async def test_send_email_asks_for_tracking_and_a_refusal_still_wins(
    smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    sales = await departments.add(by=gus, name="Sales", tracking="off")
    await tickets.change(ticket_id, user=gus, department_id=sales)
    note = await tickets.add_reply(ticket_id, author=gus, html_body="<p>x</p>", internal=True)
    common: dict[str, Any] = {"subject": "s", "html_body": BODY, "enable_tracking": True, "ticket_reply_id": note.id}
    _, known = await mails.send_email(recipients="bob@example.org", **common)
    assert known is not None
    assert known["tracked"] is True
    await consent.decide(await contact_id(ticket_id), "refused", source="agent", user_id=gus.id)
    _, known = await mails.send_email(recipients="bob@example.org", **common)
    assert known is not None
    assert (known["tracked"], known["reason"]) == (False, "no module tracked the mail")
    assert ["email-tracking" in parts(mail)[0] for mail in smtp.accepted] == [True, False]


async def test_the_module_honours_what_a_delivery_permits(portal: Runtime) -> None:
    recipient = Recipient(1, "to", "bob@example.org", "t" * 43)
    for permits in (frozenset[str](), frozenset({"opens"}), frozenset({"clicks"}), frozenset({"opens", "clicks"})):
        delivery = Delivery(1, 1, recipient, BODY, enable_tracking=True, permits=permits)
        made = await portal.plugins.prepare_delivery(delivery)
        assert made.reports == permits
        assert ("email-tracking/pixel" in made.html) == ("opens" in permits)
        assert ("email-tracking/click" in made.html) == ("clicks" in permits)


async def test_the_composer_says_what_stands_for_whom_it_writes_to(
    gus_client: Client, ticket_id: int, gus: User
) -> None:
    page = await (await get(gus_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "<b>Tracked:</b> opens and links; Bcc copies are not tracked<" in page
    await consent.decide(await contact_id(ticket_id), "refused", source="agent", user_id=gus.id)
    page = unescape(await (await get(gus_client, f"/tickets/{ticket_id}")).get_data(as_text=True))
    assert re.search(r"<b>Not tracked:</b> refused on \d+ \w+ \d+ as Gus noted<", page)
    assert re.search(r"data-tracking-choice hidden", page)
    both = await (await get(gus_client, f"/tickets/{ticket_id}/tracking?to=bob@example.org&cc=ann@x.org, broken@")).json
    assert (both["is_default"], both["can_switch"]) == (False, False), "a line that cannot be read says nothing"
    both = await (await get(gus_client, f"/tickets/{ticket_id}/tracking?to=bob@example.org&cc=ann@x.org")).json
    assert both["is_default"]
    assert "Off for bob@example.org: refused on" in both["on"]
    sales = await departments.add(by=gus, name="Sales", tracking="off")
    new = await (await get(gus_client, f"/tickets/new/tracking?to=ann@x.org&department={sales}")).json
    assert (new["is_default"], new["can_switch"], new["off"]) == (False, True, "off for the department Sales")


@pytest.mark.parametrize(
    ("form", "tracked_row", "said"),
    [
        ({"track_offered": "1", "track_default": "1", "track": "1"}, 1, 0),
        ({"track_offered": "1", "track_default": "1"}, 0, 1),
        ({"track_offered": "1", "track_default": "0"}, 1, 0),
        ({"track_offered": "1", "track_default": "0", "track": "1"}, 1, 1),
        ({}, 1, 0),
    ],
)
async def test_a_switch_that_nobody_touched_leaves_the_choice_to_the_settings(
    gus_client: Client, portal: Runtime, ticket_id: int, form: dict[str, str], tracked_row: int, said: int
) -> None:
    response = await post(gus_client, f"/tickets/{ticket_id}/replies", {"body_text": "Hi", "to": "b@x.org", **form})
    assert response.status_code == 303
    async with portal.database.connection() as conn:
        row = await conn.fetch_one("SELECT enable_tracking, tracking_said FROM outgoing_emails")
    assert row == {"enable_tracking": tracked_row, "tracking_said": said}
