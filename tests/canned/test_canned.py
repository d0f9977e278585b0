"""Saved replies: whose they are, what fills them, and that nothing a customer is called brings markup along."""

from __future__ import annotations

from html import unescape

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.canned import rules, service
from app.canned.errors import CannedNotFound, CannedRefused
from app.tickets import service as tickets
from tests.support.web import get, post


async def text(client: Client, path: str, status: int = 200) -> str:
    response = await get(client, path)
    assert response.status_code == status
    return unescape(await response.get_data(as_text=True))


@pytest.fixture
async def ticket_id(runtime: object) -> int:
    return await tickets.create_ticket(
        subject="Printer <on fire>",
        requester="Bob Builder <bob@example.org>",
        text_body="It burns.",
        created_by=None,
    )


def test_placeholders_are_filled_and_escaped() -> None:
    filled = rules.fill(
        "<p>{{ Contact.Name }} {{&nbsp;ticket.number}} {{other}}</p>", {"contact.name": "<i>", "ticket.number": "7"}
    )
    assert filled == "<p>&lt;i&gt; 7 {{other}}</p>"


@pytest.mark.parametrize("html", ["{{contact.nam}}", "{{7*7}}", "{{ config }}", "{{ ''.__class__ }}"])
def test_nothing_but_a_name_is_a_placeholder(html: str) -> None:
    with pytest.raises(ValueError, match="Nothing fills"):
        rules.check_placeholders(html)


def test_a_slip_is_told_with_what_was_meant() -> None:
    with pytest.raises(ValueError, match=r"did you mean \{\{contact.name\}\}\?"):
        rules.check_placeholders("{{contact.nam}}")


async def test_one_is_written_used_changed_and_deleted(agent_client: Client, agent: User, ticket_id: int) -> None:
    assert "No saved replies" in await text(agent_client, "/saved-replies")
    body = "<p>Dear {{contact.first_name}}, <script>x</script>see #{{ticket.number}}</p>"
    form = {"title": " Hours ", "body_html": body}
    assert (await post(agent_client, "/saved-replies/new", form)).status_code == 303
    [one] = await service.canned_replies(agent)
    assert (one.title, one.is_shared, "<script" in one.body_html) == ("Hours", False, False)
    response = await get(agent_client, f"/saved-replies/{one.id}/for/{ticket_id}")
    assert (await response.get_json())["html"] == f"<p>Dear Bob, see #{ticket_id}</p>"
    response = await get(agent_client, "/saved-replies", headers={"Accept": "application/json"})
    assert await response.get_json() == [{"id": one.id, "title": "Hours"}]
    page = f"/saved-replies/{one.id}"
    changed = {"title": "Opening hours", "body_text": "We are open.", "shared": "1"}
    assert (await post(agent_client, page, changed)).status_code == 303
    found = await service.canned_reply(one.id, user=agent)
    assert (found.title, found.body_html) == ("Opening hours", "<p>We are open.</p>")
    assert (found.is_shared, found.used) == (True, 1)
    assert (await post(agent_client, f"{page}/delete", {})).status_code == 303
    assert (await get(agent_client, page)).status_code == 404


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"title": "", "body_text": "Hello"}, "The title is empty"),
        ({"title": "x" * 101, "body_text": "Hello"}, "at most 100 fit"),
        ({"title": "Hours", "body_text": " "}, "The text is empty"),
        ({"title": "Hours", "body_text": "Hi {{customer}}"}, "Nothing fills {{customer}}"),
    ],
)
async def test_what_does_not_hold_is_told_and_kept(agent_client: Client, form: dict[str, str], words: str) -> None:
    response = await post(agent_client, "/saved-replies/new", form)
    assert response.status_code == 422
    page = unescape(await response.get_data(as_text=True))
    assert words in page
    assert form["title"] in page


async def test_another_agents_own_is_not_seen_and_a_shared_one_not_changed(
    agent: User, admin: User, admin_client: Client, ticket_id: int
) -> None:
    own = await service.add(by=agent, title="Own", body_html="<p>Mine</p>", is_shared=False)
    shared = await service.add(by=agent, title="Shared", body_html="<p>Ours</p>", is_shared=True)
    theirs = await service.add(by=admin, title="Theirs", body_html="<p>Theirs</p>", is_shared=True)
    assert [one.title for one in await service.canned_replies(admin)] == ["Shared", "Theirs"]
    for path in (f"/saved-replies/{own}", f"/saved-replies/{own}/for/{ticket_id}"):
        assert (await get(admin_client, path)).status_code == 404
    with pytest.raises(CannedNotFound, match="may use it, not change it"):
        await service.change(theirs, by=agent, title="Mine now", body_html="<p>x</p>", is_shared=False)
    with pytest.raises(CannedNotFound):
        await service.delete(theirs, by=agent)
    await service.change(shared, by=admin, title="Better", body_html="<p>Ours</p>", is_shared=True)
    with pytest.raises(CannedRefused):
        await service.change(shared, by=admin, title="", body_html="<p>Ours</p>", is_shared=True)


async def test_a_ticket_that_is_gone_is_told(agent: User, agent_client: Client) -> None:
    one = await service.add(by=agent, title="Own", body_html="<p>Mine</p>", is_shared=False)
    assert (await get(agent_client, f"/saved-replies/{one}/for/999999")).status_code == 404
