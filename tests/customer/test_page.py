"""A ticket's page as its customer uses it."""

from __future__ import annotations

import re

import pytest
from quart import Quart

from app.accounts.models import User
from app.customer import rules
from app.database import Database
from app.tickets import attachments, holding, merging, service, steps
from app.tickets.files import Upload
from tests.customer.conftest import ANN, BOB, Story, Visitor, sent
from tests.support.web import HOST, get, log_in, post

HIDDEN = ("He smokes", "Ann, call him", ANN, "gus@portal.test")


async def messages(story: Story) -> list[tuple[str, str]]:
    """Kind and text of all messages."""
    found = await service.conversation(story.ticket_id)
    return [(one.kind, one.body_text) for one in found.messages]


async def test_the_right_address_shows_what_is_theirs_and_nothing_else(story: Story, visitor: Visitor) -> None:
    answer = await visitor.enter(story.path(), "BOB@Example.org ")
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie

    page = await visitor.get(story.path())
    html = await page.get_data(as_text=True)
    assert "Printer on fire" in html
    assert html.index("It burns.") < html.index("Pull the <b>plug</b>")
    assert [hidden for hidden in HIDDEN if hidden in html] == []
    assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == ("no-referrer", "no-store")


async def test_who_is_in_bcc_sees_what_went_to_them_alone(story: Story, visitor: Visitor) -> None:
    await visitor.enter(story.path(ANN), ANN)
    html = await visitor.text(story.path(ANN))
    assert "Pull the <b>plug</b>" in html
    assert "Ann, call him" in html
    assert "It burns." not in html
    assert "He smokes" not in html
    assert BOB not in html


async def test_a_reply_that_has_not_gone_out_is_not_shown_yet(
    story: Story, visitor: Visitor, agent: User, db: Database
) -> None:
    reply = await service.add_reply(story.ticket_id, author=agent, html_body="<p>Too early</p>")
    await visitor.enter(story.path())
    assert "Too early" not in await visitor.text(story.path())
    await sent(db, reply.id)
    assert "Too early" in await visitor.text(story.path())


async def test_an_answer_with_a_file_becomes_a_message_and_opens_the_ticket(
    story: Story, visitor: Visitor, agent: User
) -> None:
    await service.change(story.ticket_id, user=agent, status="closed")
    await visitor.enter(story.path())
    html = await visitor.text(story.path())
    once = re.search(r'name="once" value="([^"]+)"', html)
    assert once is not None
    form = {"body_text": "Still <b>smoking</b>", "once": once[1]}
    for _ in range(2):
        assert (await visitor.post_file(f"{story.path()}/answer", form, "log.txt", b"hot")).status_code == 303

    assert (await messages(story))[-1] == ("customer", "Still <b>smoking</b>")
    assert len(await messages(story)) == 5
    ticket = await service.ticket(story.ticket_id)
    assert (ticket.status, ticket.last_from) == ("open", "customer")
    html = await visitor.text(story.path())
    assert "Still &lt;b&gt;smoking" in html
    href = re.search(r'href="([^"]+/files/\d+)"', html)
    assert href is not None
    file = await visitor.get(href[1])
    assert (await file.get_data(as_text=False), file.headers["Content-Disposition"]) == (
        b"hot",
        'attachment; filename="log.txt"',
    )
    assert file.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_is_wrong_in_an_answer_stands_at_its_field_and_nothing_is_lost(
    story: Story, visitor: Visitor
) -> None:
    await visitor.enter(story.path())
    await visitor.text(story.path())
    empty = await visitor.post(f"{story.path()}/answer", {"body_text": "  "})
    assert empty.status_code == 422
    assert "The message is empty" in await empty.get_data(as_text=True)
    large = await visitor.post_file(f"{story.path()}/answer", {"body_text": "See file"}, "a.bin", b"x" * (11 * 2**20))
    html = await large.get_data(as_text=True)
    assert (large.status_code, "See file</textarea>" in html, "a file may have 10 MB" in html) == (422, True, True)
    assert len(await messages(story)) == 4


async def test_it_is_closed_and_opened_again_by_buttons_only(story: Story, visitor: Visitor) -> None:
    await visitor.enter(story.path())
    assert (await visitor.get(f"{story.path()}/close")).status_code == 405
    await visitor.text(story.path())
    assert (await visitor.post(f"{story.path()}/close")).status_code == 303
    assert (await service.ticket(story.ticket_id)).status == "closed"
    assert "The conversation is closed" in await visitor.text(story.path())
    assert (await visitor.post(f"{story.path()}/reopen")).status_code == 303
    assert (await service.ticket(story.ticket_id)).status == "open"
    history = (await service.conversation(story.ticket_id)).history
    assert [(line.user_name, line.new_value) for line in history] == [(None, "closed"), (None, "open")]


async def test_without_the_token_of_the_page_nothing_is_done_and_the_text_comes_back(
    story: Story, visitor: Visitor
) -> None:
    await visitor.enter(story.path())
    headers = {"Host": HOST}
    answer = await visitor.client.post(f"{story.path()}/answer", form={"body_text": "My words"}, headers=headers)
    assert (answer.status_code, "My words" in await answer.get_data(as_text=True)) == (403, True)
    assert (await visitor.client.post(f"{story.path()}/close", headers=headers)).status_code == 403
    assert (await service.ticket(story.ticket_id)).status == "open"
    assert len(await messages(story)) == 4


async def test_an_answer_after_the_session_ended_is_kept_until_the_address_is_given_again(
    story: Story, visitor: Visitor, db: Database
) -> None:
    await visitor.enter(story.path())
    await visitor.text(story.path())
    async with db.transaction() as conn:
        await conn.execute("UPDATE ticket_page_sessions SET last_seen_at = '2026-01-01 00:00:00'")
    answer = await visitor.post(f"{story.path()}/answer", {"body_text": "Long thought"})
    html = await answer.get_data(as_text=True)
    assert (answer.status_code, "Long thought</textarea>" in html, "Printer" in html) == (401, True, False)
    assert len(await messages(story)) == 4

    again = await visitor.post(story.path(), {"email": BOB, "kept": "Long thought"})
    html = await again.get_data(as_text=True)
    assert (again.status_code, "Long thought</textarea>" in html, "Printer" in html) == (200, True, True)
    assert (await visitor.get(story.path())).status_code == 200


async def test_a_session_ends_by_time_and_by_the_button(story: Story, visitor: Visitor, db: Database) -> None:
    await visitor.enter(story.path())
    async with db.transaction() as conn:
        await conn.execute("UPDATE ticket_page_sessions SET expires_at = '2026-01-01 00:00:00'")
    assert "nothing happened on it" in await visitor.text(story.path())
    await visitor.enter(story.path())
    assert "Printer" in await visitor.text(story.path())
    assert (await visitor.post(f"{story.path()}/leave")).status_code == 303
    assert "Printer" not in await visitor.text(story.path())


async def test_other_tickets_files_and_messages_are_not_found_by_any_number(
    story: Story, visitor: Visitor, agent: User, db: Database, app: Quart
) -> None:
    other = await service.create_ticket(
        subject="Other", requester="Eve <eve@example.org>", html_body="<p>Secret</p>", created_by=None
    )
    note = await service.add_reply(
        story.ticket_id, author=agent, html_body="<p>See file</p>", internal=True, uploads=[Upload("n", "", b"n")]
    )
    await service.add_customer_message(
        other, email="eve@example.org", html_body="<p>More</p>", uploads=[Upload("eve.txt", "", b"eve")]
    )
    await visitor.enter(story.path())
    async with db.connection() as conn:
        files = [row["id"] for row in await conn.fetch_all("SELECT id FROM attachments")]
        replies = [row["id"] for row in await conn.fetch_all("SELECT id FROM ticket_replies ORDER BY id")]
    assert len(files) == 2
    for file_id in [*files, 10**6]:
        for kind in ("files", "images"):
            assert (await visitor.get(f"{story.path()}/{kind}/{file_id}")).status_code == 404
    shown = [one for one in replies if (await visitor.get(f"{story.path()}/messages/{one}/frame")).status_code == 200]
    assert shown == [replies[0], story.reply_id]
    assert note.id not in shown

    stranger = Visitor(app.test_client())
    assert (await stranger.get(f"{story.path()}/messages/{story.reply_id}/frame")).status_code == 404


async def test_the_session_of_one_link_opens_no_other(story: Story, visitor: Visitor) -> None:
    cookie = (await visitor.enter(story.path())).headers["Set-Cookie"]
    token = cookie.partition(";")[0].partition("=")[2]
    visitor.client.set_cookie(HOST, f"myportal-ticket-{story.copies[BOB]}", token)
    assert "Printer" in await visitor.text(story.path())
    visitor.client.set_cookie(HOST, f"myportal-ticket-{story.copies[ANN]}", token)
    assert "Printer" not in await visitor.text(story.path(ANN))


async def test_a_customers_html_comes_in_a_locked_frame(story: Story, visitor: Visitor, db: Database) -> None:
    message = await service.add_customer_message(
        story.ticket_id, email=BOB, html_body="<script>alert(1)</script><p onclick=x()>Hi</p>"
    )
    await visitor.enter(story.path())
    html = await visitor.text(story.path())
    assert f"{story.path()}/messages/{message}/frame" in html
    assert "alert(1)" not in html
    frame = await visitor.get(f"{story.path()}/messages/{message}/frame")
    document = await frame.get_data(as_text=True)
    assert "<p>Hi</p>" in document
    assert "alert" not in document
    assert "default-src 'none'" in frame.headers["Content-Security-Policy"]
    assert "sandbox" in frame.headers["Content-Security-Policy"]


async def test_pasted_images_come_through_the_page(story: Story, visitor: Visitor, agent: User, db: Database) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 20
    image = await attachments.store_image(story.ticket_id, Upload("a.png", "image/png", png), user=agent)
    reply = await service.add_reply(
        story.ticket_id, author=agent, html_body=f'<p>Here <img src="/attachments/{image}/inline" alt="a"></p>'
    )
    await sent(db, reply.id)
    await visitor.enter(story.path())
    html = await visitor.text(story.path())
    assert f'src="{story.path()}/images/{image}"' in html
    assert "/attachments/" not in html
    answer = await visitor.get(f"{story.path()}/images/{image}")
    assert (answer.status_code, answer.content_type) == (200, "image/png")


async def test_older_messages_are_a_click_away(story: Story, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PAGE", 1)
    await visitor.enter(story.path())
    html = await visitor.text(story.path())
    assert "It burns." not in html
    earlier = re.search(r'href="([^"]+\?before=\d+)"', html)
    assert earlier is not None
    html = await visitor.text(earlier[1])
    assert "It burns." in html
    assert "Back to the newest" in html


async def test_links_that_lead_nowhere_say_so(story: Story, visitor: Visitor, db: Database, admin: User) -> None:
    for path in (f"{story.path()}x", "/conversation/1-AAAAAAAAAAAAAAAAAAAAAAAA", "/conversation/x"):
        response = await visitor.get(path)
        assert response.status_code == 404
        assert "This link does not work" in await response.get_data(as_text=True)
    async with db.transaction() as conn:
        await conn.execute("UPDATE tickets SET last_activity_at = '2020-01-01 00:00:00'")
    response = await visitor.get(story.path())
    assert (response.status_code, "too old" in await response.get_data(as_text=True)) == (410, True)


async def test_an_admin_switches_it_on_and_off(story: Story, visitor: Visitor, app: Quart, admin: User) -> None:
    client = await log_in(app, admin)
    assert (await post(client, "/admin/customers", {})).status_code == 303
    response = await visitor.get(story.path())
    assert (response.status_code, "This page is closed" in await response.get_data(as_text=True)) == (404, True)
    assert (await post(client, "/admin/customers", {"enabled": "1"})).status_code == 303
    assert (await visitor.get(story.path())).status_code == 200
    log = await (await get(client, "/admin/audit")).get_data(as_text=True)
    assert "turned on" in log
    assert "the customers&#39; page" in log


async def test_after_a_merge_the_link_leads_to_the_ticket_that_took_it_in_and_shows_theirs_alone(
    story: Story, visitor: Visitor, agent: User
) -> None:
    into = await service.create_ticket(
        subject="Fires", requester="Eve <eve@example.org>", text_body="Everything burns.", created_by=None
    )
    await merging.merge(story.ticket_id, into, user=agent)
    await visitor.enter(story.path())
    html = await visitor.text(story.path())
    assert "It burns." in html
    assert "Everything burns." not in html
    assert (await visitor.post(f"{story.path()}/answer", {"body_text": "Out now"})).status_code == 303
    assert (await service.conversation(into)).messages[-1].body_text == "Out now"


async def test_a_reply_that_can_still_be_taken_back_is_not_shown(
    story: Story, visitor: Visitor, db: Database, agent: User
) -> None:
    hold = steps.Hold(10, {"html": "", "to": "", "cc": "", "bcc": "", "track": None})
    waits = await service.add_reply(story.ticket_id, author=agent, html_body="<p>Perhaps wrong</p>", hold=hold)
    await visitor.enter(story.path(), BOB)
    assert "Perhaps wrong" not in await visitor.text(story.path())
    await holding.send_now(story.ticket_id, waits.id, user=agent)
    await sent(db, waits.id)
    assert "Perhaps wrong" in await visitor.text(story.path())
