"""The bell, the page behind it, the switches in the profile, and the API."""

from __future__ import annotations

import asyncio
import re

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Database
from app.notifications import service
from tests.notifications.conftest import MakeReply, first_read, wants
from tests.support.web import HOST, get, log_in, post


async def text(client: Client, path: str) -> str:
    response = await get(client, path)
    assert response.status_code == 200
    return await response.get_data(as_text=True)


def bell(page: str) -> str:
    """What the bell shows; '' for no count."""
    found = re.search(r"data-bell-count( hidden)?>([^<]*)<", page)
    assert found
    assert bool(found[1]) == (found[2] == "")
    return found[2]


async def test_each_kind_is_chosen_in_the_profile_and_reads_are_off_at_first(agent_client: Client, agent: User) -> None:
    page = await text(agent_client, "/profile")
    for kind, chosen in {"read": "off", "assigned": "portal", "mention": "email"}.items():
        field = page[page.index(f'name="tell_{kind}"') :].split("</select>")[0]
        assert re.findall(r'<option value="(\w+)" selected', field) == [chosen]

    response = await post(agent_client, "/profile/notifications", {"tell_read": "portal", "tell_due": "email"})
    assert (response.status_code, response.location) == (303, "/profile#notifications")
    found = await accounts.user_by_id(agent.id)
    assert found is not None
    assert (sorted(found.told_of), sorted(found.mailed_of)) == (["due", "read"], ["due"])
    refused = await post(agent_client, "/profile/notifications", {"tell_read": "by pigeon"})
    assert refused.status_code == 422
    assert "by pigeon" in await refused.get_data(as_text=True)
    assert await accounts.user_by_id(agent.id) == found


async def test_the_bell_counts_and_the_page_links_to_the_reply(
    agent_client: Client, agent: User, db: Database, make_reply: MakeReply
) -> None:
    assert bell(await text(agent_client, "/tickets")) == ""
    await wants(agent, reads=False)
    assert "You are not told anything" in await text(agent_client, "/notifications")
    await wants(agent)
    assert "Nothing new to tell" in await text(agent_client, "/notifications")
    made = await make_reply(subject="Printer <b>on</b> fire")
    await first_read(db, made.recipients[0].id)

    page = await text(agent_client, "/notifications")

    assert bell(page) == "1"
    assert f'href="/tickets/{made.ticket_id}#reply-{made.reply_id}"' in page
    assert "Printer &lt;b&gt;on&lt;/b&gt; fire" in page
    assert 'aria-label="New"' in page
    assert (await post(agent_client, "/notifications/seen")).status_code == 303
    page = await text(agent_client, "/notifications")
    assert (bell(page), 'aria-label="New"' in page, "Bob Miller" in page) == ("", False, True)


async def test_opening_the_ticket_is_seeing_what_was_told_of_it(
    agent_client: Client, agent: User, db: Database, make_reply: MakeReply
) -> None:
    await wants(agent)
    one = await make_reply()
    await first_read(db, one.recipients[0].id)
    assert bell(await text(agent_client, "/contacts")) == "1"
    assert bell(await text(agent_client, f"/tickets/{one.ticket_id}")) == ""


async def test_nobody_sees_or_marks_what_another_was_told(
    app: Quart, agent_client: Client, agent: User, admin: User, db: Database, make_reply: MakeReply
) -> None:
    await wants(agent)
    await wants(admin)
    made = await make_reply()
    await first_read(db, made.recipients[0].id)
    other = await log_in(app, admin)
    assert "Bob Miller" not in await text(other, "/notifications")
    await post(other, "/notifications/seen")
    await text(other, f"/tickets/{made.ticket_id}")
    assert bell(await text(agent_client, "/notifications")) == "1"


async def test_pages_follow_each_other_without_gaps(
    agent_client: Client, agent: User, db: Database, make_reply: MakeReply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.page, "__kwdefaults__", {"before": 0, "limit": 2})
    await wants(agent)
    made = await make_reply()
    async with db.transaction() as conn:
        for _ in range(5):
            reply = await conn.insert(
                "INSERT INTO ticket_replies (ticket_id, kind, author_user_id, body_html, body_text, created_at) "
                "VALUES (%s, 'reply', %s, '', '', UTC_TIMESTAMP(6))",
                [made.ticket_id, agent.id],
            )
            await conn.execute(
                "INSERT INTO notifications (user_id, ticket_id, reply_id, recipient_id, created_at) "
                "VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6))",
                [agent.id, made.ticket_id, reply, made.recipients[0].id],
            )
    path, anchors = "/notifications", []
    while path:
        page = await text(agent_client, path)
        anchors += [int(one) for one in re.findall(r"#reply-(\d+)", page)]
        found = re.search(r'rel="next" href="([^"]+)"', page)
        path = found[1] if found else ""
    assert anchors == sorted(anchors, reverse=True)
    assert len(set(anchors)) == len(anchors) == 5


@pytest.mark.parametrize("before", ["x", "-1", "0", "9" * 40, "9" * 5000, "%C2%B2", ""])
async def test_a_place_that_is_none_is_the_beginning_or_the_end(agent_client: Client, before: str) -> None:
    assert "Notifications" in await text(agent_client, f"/notifications?before={before}")


async def test_an_open_page_hears_of_it(
    agent_client: Client, agent: User, admin: User, db: Database, make_reply: MakeReply
) -> None:
    await wants(agent, reads=False)
    quiet = await text(agent_client, "/profile")
    assert ("data-live-topics" in quiet, "live.js" in quiet) == (False, False), "nothing is live for who did not ask"
    await wants(agent)
    page = await text(agent_client, "/profile")
    assert 'data-live-topics="me"' in page
    assert "live.js" in page
    start = await (await get(agent_client, "/live/poll?topics=me")).get_json()
    made = await make_reply()
    await first_read(db, made.recipients[0].id)

    heard = await (await get(agent_client, f"/live/poll?topics=me&after={start['cursor']}")).get_json()
    assert [(one["kind"], one["user_id"]) for one in heard["events"]] == [("notification", agent.id)]
    assert await (await get(agent_client, "/notifications/unseen")).get_json() == {"unseen": 1, "words": "1"}

    await post(agent_client, "/notifications/seen")
    heard = await (await get(agent_client, f"/live/poll?topics=me&after={heard['cursor']}")).get_json()
    assert len(heard["events"]) == 1, "other pages hear that it was seen"
    await post(agent_client, "/notifications/seen")
    assert (await (await get(agent_client, f"/live/poll?topics=me&after={heard['cursor']}")).get_json())["events"] == []


async def test_one_hears_ones_own_only(
    app: Quart, agent_client: Client, agent: User, admin: User, db: Database, make_reply: MakeReply
) -> None:
    other = await log_in(app, admin)
    start = await (await get(other, "/live/poll?topics=me")).get_json()
    await wants(agent)
    await first_read(db, (await make_reply()).recipients[0].id)
    assert (await (await get(other, f"/live/poll?topics=me&after={start['cursor']}")).get_json())["events"] == []
    assert (await get(other, f"/live/poll?topics=user:{agent.id}")).status_code == 400


async def test_the_api_lists_and_marks(agent: User, client: Client, db: Database, make_reply: MakeReply) -> None:
    await wants(agent)
    made = await make_reply()
    await first_read(db, made.recipients[0].id)
    headers = {"Host": HOST, "Authorization": f"Bearer {await accounts.create_api_token(agent.email)}"}

    found = await (await client.get("/api/notifications", headers=headers)).get_json()

    [one] = found["notifications"]
    assert (found["unseen"], found["next"]) == (1, None)
    assert (one["ticket_id"], one["reply_id"], one["seen_at"]) == (made.ticket_id, made.reply_id, None)
    assert one["words"] == f"Bob Miller likely read your reply in #{made.ticket_id} Printer on fire"
    assert one["url"] == f"http://portal.test/tickets/{made.ticket_id}#reply-{made.reply_id}"

    async def seen(**body: object) -> int:
        answer = await client.post("/api/notifications/seen", headers=headers, json=body)
        assert answer.status_code == 200
        return int((await answer.get_json())["unseen"])

    assert await seen(ids=[]) == 1
    assert await seen(ids=[one["id"] + 1]) == 1
    assert await seen(ids=[one["id"], one["id"]]) == 0
    assert await seen() == 0


@pytest.mark.parametrize(
    ("query", "words"), [("limit=0", "limit"), ("limit=101", "limit"), ("before=x", "before"), ("page=2", "page")]
)
async def test_the_api_says_what_it_does_not_take(agent_client: Client, query: str, words: str) -> None:
    response = await get(agent_client, f"/api/notifications?{query}")
    assert response.status_code == 422
    assert words in (await response.get_json())["error"]["fields"]


async def test_the_api_needs_somebody(client: Client) -> None:
    for answer in await asyncio.gather(
        client.get("/api/notifications", headers={"Host": HOST}),
        client.post("/api/notifications/seen", headers={"Host": HOST}, json={}),
    ):
        assert answer.status_code == 401
