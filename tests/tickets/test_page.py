"""The ticket page: what it shows, and to whom."""

from __future__ import annotations

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.tickets import service
from app.tickets.files import Upload
from tests.support.web import get

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


async def _text(client: Client, path: str) -> str:
    response = await get(client, path)
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))


async def test_a_stranger_is_sent_to_the_login(client: Client, ticket_id: int) -> None:
    for path in (f"/tickets/{ticket_id}", "/tickets/new", "/attachments/1", f"/tickets/{ticket_id}/messages/1/frame"):
        response = await get(client, path)
        assert (response.status_code, response.location.partition("?")[0]) == (303, "/login")


async def test_the_page_shows_the_whole_conversation_in_order(
    agent_client: Client, agent: User, ticket_id: int
) -> None:
    await service.add_reply(ticket_id, author=agent, html_body="<p>Use <b>water</b></p>", cc="ann@example.org")
    await service.add_reply(ticket_id, author=agent, html_body="<p>He is upset</p>", internal=True)
    await service.change(ticket_id, user=agent, priority="urgent", assignee_id=agent.id)

    page = await _text(agent_client, f"/tickets/{ticket_id}")

    order = ["It burns.", "Use <b>water</b>", "Internal note", "He is upset", "set the priority to Urgent", "took it"]
    assert [page.index(words) for words in order] == sorted(page.index(words) for words in order)
    assert "ann@example.org" in page
    assert "Queued" in page


async def test_a_missing_ticket_is_named(agent_client: Client) -> None:
    response = await get(agent_client, "/tickets/4711")
    assert response.status_code == 404
    assert "There is no ticket #4711." in await response.get_data(as_text=True)


async def test_what_people_wrote_is_escaped_everywhere(agent_client: Client, agent: User) -> None:
    ticket_id = await service.create_ticket(
        subject=EVIL, requester=f'"{EVIL.replace(chr(34), "")}" <eve@example.org>', text_body=EVIL, created_by=None
    )
    await service.add_reply(
        ticket_id, author=agent, html_body=f"<p>ok</p>{EVIL}", uploads=[Upload(f"{EVIL}.txt", "text/html", b"x")]
    )
    page = await _text(agent_client, f"/tickets/{ticket_id}")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "onerror=alert(2)&gt;" in page, "the subject is there, as text"


async def test_subjects_of_any_script_keep_their_direction(agent_client: Client, db: Database) -> None:
    ticket_id = await service.create_ticket(
        subject="لا أستطيع " + "x" * 190, requester="ليلى <layla@example.org>", text_body="مرحبا", created_by=None
    )
    page = await _text(agent_client, f"/tickets/{ticket_id}")
    assert '<h1 dir="auto">لا أستطيع ' in page


async def test_customer_html_is_only_shown_in_a_sandboxed_frame(agent_client: Client, db: Database) -> None:
    ticket_id = await service.create_ticket(
        subject="Hi",
        requester="eve@example.org",
        html_body='<p style="color:red">Hello</p><script>alert(1)</script><img src="https://evil.example/pixel.gif">'
        '<form action="https://evil.example"><input name="p"></form><a href="javascript:alert(1)">x</a>',
        created_by=None,
    )
    [message] = (await service.conversation(ticket_id)).messages
    page = await _text(agent_client, f"/tickets/{ticket_id}")
    path = f"/tickets/{ticket_id}/messages/{message.id}/frame"
    assert f'<iframe class="mail-frame" src="{path}" sandbox="allow-same-origin allow-popups ' in page
    assert "allow-scripts" not in page
    assert "color:red" not in page

    response = await get(agent_client, path)
    frame = await response.get_data(as_text=True)
    assert '<p style="color:red">Hello</p>' in frame
    assert "One remote image is not shown" in frame
    for word in ("<script", "evil.example", "<form", "<input", "javascript:"):
        assert word not in frame
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data: portal.test/attachments/; style-src 'unsafe-inline'")
    assert "form-action 'none'; base-uri 'none'; frame-ancestors 'self'" in policy
    assert "sandbox allow-same-origin" in policy
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


async def test_a_message_is_found_only_in_its_own_ticket(agent_client: Client, ticket_id: int) -> None:
    other = await service.create_ticket(
        subject="Other", requester="eve@example.org", html_body="<p>secret</p>", created_by=None
    )
    [message] = (await service.conversation(other)).messages
    response = await get(agent_client, f"/tickets/{ticket_id}/messages/{message.id}/frame")
    assert response.status_code == 404


async def test_quoted_lines_at_the_end_are_folded(agent_client: Client, ticket_id: int) -> None:
    await service.add_customer_message(
        ticket_id, email="bob@example.org", text_body="Thanks!\n\nOn Monday, Gus wrote:\n> Use water\n> please"
    )
    page = await _text(agent_client, f"/tickets/{ticket_id}")
    folded = page.partition('<details class="quoted">')[2].partition("</details>")[0]
    assert "On Monday, Gus wrote:" in folded
    assert "&gt; please" in folded


async def test_a_long_conversation_shows_the_newest_and_leads_to_the_earlier(
    agent_client: Client, ticket_id: int
) -> None:
    for number in range(60):
        await service.add_customer_message(ticket_id, email="bob@example.org", text_body=f"message {number:02}")
    page = await _text(agent_client, f"/tickets/{ticket_id}")
    assert "message 59" in page
    assert "message 09" not in page
    assert "11 before these" in page
    link = page.partition(f'href="/tickets/{ticket_id}?before=')[2].partition('"')[0]

    earlier = await _text(agent_client, f"/tickets/{ticket_id}?before={link}")
    assert "message 09" in earlier
    assert "message 10" not in earlier
    assert 'id="composer"' not in earlier
    assert "Back to the newest messages" in earlier


@pytest.mark.parametrize("before", ["x", "-1", "9" * 5000, "0"])
async def test_a_garbled_place_in_the_conversation_is_no_fault(
    agent_client: Client, ticket_id: int, before: str
) -> None:
    assert "Printer on fire" in await _text(agent_client, f"/tickets/{ticket_id}?before={before}")


async def test_the_answer_goes_to_who_wrote_last_with_the_others_in_copy(
    agent_client: Client, agent: User, ticket_id: int
) -> None:
    await service.add_reply(ticket_id, author=agent, html_body="<p>Hi</p>", cc="Ann <ann@example.org>")
    await service.add_customer_message(ticket_id, email="Zoe <zoe@example.org>", text_body="I take over.")
    page = await _text(agent_client, f"/tickets/{ticket_id}")
    assert 'name="to" value="Zoe &lt;zoe@example.org&gt;"' in page
    assert 'name="cc" value="Bob Builder &lt;bob@example.org&gt;, Ann &lt;ann@example.org&gt;"' in page


async def test_an_open_page_listens_from_where_its_content_ends(agent_client: Client, ticket_id: int) -> None:
    page = await _text(agent_client, f"/tickets/{ticket_id}")
    assert f'data-live-topics="ticket:{ticket_id} me" data-live-cursor="' in page


async def test_badges_come_as_fragments_of_their_own_ticket_only(
    agent_client: Client, agent: User, ticket_id: int
) -> None:
    sent = await service.add_reply(ticket_id, author=agent, html_body="<p>Hi</p>")
    fragment = await _text(agent_client, f"/tickets/{ticket_id}/replies/{sent.id}/badge")
    assert f'data-receipt-frame="receipt-{sent.id}"' in fragment
    assert "bob" in fragment
    assert "<html" not in fragment

    row = await _text(agent_client, f"/tickets/{ticket_id}/badge")
    assert "Queued" in row
    assert f'popovertarget="receipt-{sent.id}"' in row
    assert "bob" in row
    assert "data-receipt-frame" not in row
    other = await service.create_ticket(subject="x", requester="a@example.org", text_body="x", created_by=None)
    assert (await get(agent_client, f"/tickets/{other}/replies/{sent.id}/badge")).status_code == 404
    assert (await _text(agent_client, f"/tickets/{other}/badge")).strip() == ""


async def test_the_composer_says_that_nothing_tracks(agent_client: Client, ticket_id: int) -> None:
    page = await _text(agent_client, f"/tickets/{ticket_id}")
    assert "<b>Not tracked:</b> no module that tracks mail is on" in page
    assert "<b>Not tracked:</b> no module that tracks mail is on" in await _text(agent_client, "/tickets/new")
    assert 'name="track"' not in page
