"""Opening, listing and reading tickets over the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.accounts.models import User
from app.database import utcnow
from app.tickets import service
from tests.api.conftest import Api

NEW = {"subject": "Printer", "requester": "Bob <bob@example.org>", "text_body": "It is on <fire>\nHelp!"}


async def test_a_ticket_is_opened_for_a_new_contact(api: Api, agent: User) -> None:
    answer = await api.post("/tickets", NEW)
    assert answer.status == 201
    ticket = answer.json
    assert answer.headers["Location"] == f"/api/tickets/{ticket['id']}"
    assert {name: ticket[name] for name in ("subject", "status", "priority", "assignee", "url")} == {
        "subject": "Printer",
        "status": "open",
        "priority": "normal",
        "assignee": None,
        "url": f"http://portal.test/tickets/{ticket['id']}",
    }
    assert (ticket["requester"]["name"], ticket["requester"]["email"]) == ("Bob", "bob@example.org")
    assert ticket["created_at"].endswith("Z")
    datetime.fromisoformat(ticket["created_at"])

    read = (await api.get(f"/tickets/{ticket['id']}")).json
    assert {name: read[name] for name in ticket} == {**ticket, "last_activity_at": read["last_activity_at"]}
    [message] = read["conversation"]
    assert (message["kind"], message["text_body"]) == ("customer", "It is on <fire>\nHelp!")
    assert message["sender"] == ticket["requester"]
    assert message["author"] == {"id": agent.id, "name": "Gus Agent"}
    assert "<fire>" not in message["html_body"]
    assert read["earlier"] == 0


async def test_a_second_ticket_has_the_same_contact(api: Api) -> None:
    first, second = [
        (await api.post("/tickets", {**NEW, "requester": address})).json["requester"]["contact_id"]
        for address in ("Bob <bob@example.org>", "BOB@example.org")
    ]
    assert first == second


async def test_html_of_a_customer_comes_back_harmless(api: Api) -> None:
    html = (
        '<p onclick="steal()">Hi <script>steal()</script><a href="javascript:steal()">x</a>'
        '<img src="https://tracker.example/p.gif"><iframe src="https://evil.example"></iframe></p>'
    )
    ticket_id = await api.new_ticket(html_body=html, text_body=None)
    [message] = (await api.get(f"/tickets/{ticket_id}")).json["conversation"]
    for harmful in ("script", "onclick", "javascript", "tracker.example", "iframe"):
        assert harmful not in message["html_body"]
    assert "Hi" in message["html_body"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"subject": None}, "subject", "string"),
        ({"subject": ""}, "subject", "is empty"),
        ({"subject": "x" * 401}, "subject", "401 characters, at most 400"),
        ({"subject": "Printer\r\nBcc: eve@evil.example"}, "subject", "line break"),
        ({"subject": 7}, "subject", "got 7"),
        ({"requester": "bob"}, "requester", "bob"),
        ({"requester": "bob@example.org\r\nBcc: eve@evil.example"}, "requester", ""),
        ({"requester": "bob@example.org, eve@evil.example"}, "requester", ""),
        ({"requester": ["bob@example.org"]}, "requester", "string"),
        ({"priority": "panic"}, "priority", "'low', 'normal', 'high' or 'urgent', got 'panic'"),
        ({"priority": 1}, "priority", "got 1"),
        ({"text_body": "  "}, "text_body", "empty"),
        ({"html_body": "  ", "text_body": None}, "html_body", "empty"),
        ({"text_body": None}, "html_body", "missing; give the message as HTML or as text"),
        ({"status": "closed"}, "status", "is unknown; known are subject, requester"),
        ({"created_by": 1}, "created_by", "is unknown"),
    ],
)
async def test_a_field_that_does_not_hold_is_named_with_the_rule(
    api: Api, changes: dict[str, Any], field: str, words: str
) -> None:
    answer = await api.post("/tickets", {**NEW, **changes})
    assert answer.status == 422
    assert list(answer.fields) == [field]
    assert words in answer.fields[field]
    assert (await api.get("/tickets")).json["tickets"] == []


async def test_every_missing_field_is_named_at_once(api: Api) -> None:
    answer = await api.post("/tickets", {})
    assert (answer.status, set(answer.fields)) == (422, {"subject", "requester"})


async def test_a_body_of_5_mb_is_refused_with_the_numbers(api: Api) -> None:
    answer = await api.post("/tickets", {**NEW, "text_body": "x" * 5_000_000})
    assert answer.status == 413
    assert "5,000,000 characters, at most 512,000" in answer.fields["text_body"]


async def test_a_list_is_filtered_by_status_and_assignee(api: Api, agent: User, admin: User) -> None:
    mine, others, nobodys, closed = [await api.new_ticket() for _ in range(4)]
    await service.change(mine, user=agent, assignee_id=agent.id)
    await service.change(others, user=agent, assignee_id=admin.id, status="pending")
    await service.change(closed, user=agent, status="closed")

    async def ids(query: str) -> set[int]:
        answer = await api.get(f"/tickets?{query}")
        assert answer.status == 200
        return {ticket["id"] for ticket in answer.json["tickets"]}

    assert await ids("") == {mine, others, nobodys, closed}
    assert await ids("assignee=me") == {mine}
    assert await ids(f"assignee={admin.id}") == {others}
    assert await ids("assignee=none") == {nobodys, closed}
    assert await ids("status=closed") == {closed}
    assert await ids("status=pending&assignee=me") == set()


async def test_a_listed_ticket_has_snippet_assignee_and_badge(api: Api, agent: User) -> None:
    ticket_id = await api.new_ticket()
    await service.change(ticket_id, user=agent, assignee_id=agent.id)
    await api.new_reply(ticket_id)
    [ticket] = (await api.get("/tickets")).json["tickets"]
    assert ticket["assignee"] == {"id": agent.id, "name": "Gus Agent"}
    assert ticket["snippet"] == "Use water."
    assert (ticket["badge"]["state"], ticket["badge"]["word"]) == ("queued", "Queued")


async def test_a_list_is_paged_to_its_end(api: Api) -> None:
    made = [await api.new_ticket() for _ in range(7)]
    seen: list[int] = []
    path = "/tickets?limit=3"
    pages = 0
    while path:
        answer = (await api.get(path)).json
        seen += [ticket["id"] for ticket in answer["tickets"]]
        pages += 1
        path = f"/tickets?limit=3&cursor={answer['next']}" if answer["next"] else ""
    assert seen == made[::-1]
    assert pages == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=solved", "status"),
        ("assignee=somebody", "assignee"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("cursor=next", "cursor"),
        ("q=" + "x" * 201, "q"),
        ("page=2", "page"),
        ("limit=1&limit=2", "limit"),
    ],
)
async def test_a_query_that_does_not_hold_is_refused(api: Api, query: str, field: str) -> None:
    answer = await api.get(f"/tickets?{query}")
    assert answer.status == 422
    assert list(answer.fields) == [field]


async def test_a_search_finds_words_of_subject_messages_and_contact(api: Api) -> None:
    ticket_id = await api.new_ticket(text_body="The toner smells of marzipan")
    await api.new_ticket(subject="Something else", requester="Eve <eve@example.org>")
    for words in ("printer", "marzipan", "bob", "fire marz", "printer&status=open&assignee=none&limit=100"):
        answer = await api.get(f"/tickets?q={words}")
        assert [ticket["id"] for ticket in answer.json["tickets"]] == [ticket_id]
    assert (await api.get("/tickets?q=printer marzipan else")).json["tickets"] == []


async def test_a_search_never_breaks_on_its_words(api: Api) -> None:
    await api.new_ticket()
    for words in ("%22printer", "-%2B*()~<>@", "%25_", "a" * 200, "%F0%9F%96%A8", "'--", "%00"):
        assert (await api.get(f"/tickets?q={words}")).status == 200


async def test_a_long_conversation_is_read_from_its_end(api: Api) -> None:
    ticket_id = await api.new_ticket()
    notes = [(await api.new_reply(ticket_id, internal=True))["id"] for _ in range(5)]
    newest = (await api.get(f"/tickets/{ticket_id}?limit=2")).json
    assert [message["id"] for message in newest["conversation"]] == notes[-2:]
    assert newest["earlier"] == 4
    before = (await api.get(f"/tickets/{ticket_id}?limit=2&before={notes[-2]}")).json
    assert [message["id"] for message in before["conversation"]] == notes[1:3]
    assert (await api.get(f"/tickets/{ticket_id}?limit=1000")).status == 422


async def test_a_ticket_that_is_not_there_is_a_404(api: Api) -> None:
    answer = await api.get("/tickets/4711")
    assert answer.status == 404
    assert answer.json["error"]["message"] == "There is no ticket #4711."


async def test_a_ticket_is_changed_and_what_is_not_given_stays(api: Api, agent: User) -> None:
    ticket = (await api.post("/tickets", {**NEW, "tags": ["Refund", "vip"]})).json
    assert ticket["tags"] == ["refund", "vip"]
    path = f"/tickets/{ticket['id']}"
    answer = await api.call("PATCH", path, json={"status": "pending", "assignee": "me", "tags": ["vip", "late"]})
    assert answer.status == 200
    changed = answer.json
    assert (changed["status"], changed["priority"], changed["tags"]) == ("pending", "normal", ["late", "vip"])
    assert changed["assignee"] == {"id": agent.id, "name": "Gus Agent"}
    assert (await api.call("PATCH", path, json={"assignee": "none", "priority": "high"})).json["assignee"] is None
    assert (await api.call("PATCH", path, json={"assignee": agent.id})).json["tags"] == ["late", "vip"]
    assert (await api.call("PATCH", path, json={"tags": []})).json["tags"] == []
    listed = (await api.get("/tickets?tag=vip")).json["tickets"]
    assert listed == []
    assert (await api.get("/tickets/tags?q=V")).json == {"tags": ["vip"]}


@pytest.mark.parametrize(
    ("given", "field"),
    [({"tags": ["x" * 41]}, "tags"), ({"assignee": 999_999}, "assignee"), ({"department": "No such"}, "department")],
)
async def test_a_change_that_does_not_hold_is_refused(api: Api, given: dict[str, Any], field: str) -> None:
    ticket = (await api.post("/tickets", NEW)).json
    answer = await api.call("PATCH", f"/tickets/{ticket['id']}", json=given)
    assert answer.status == 422
    assert field in answer.json["error"]["fields"]
    assert (await api.call("PATCH", "/tickets/999999", json=given)).status == 404


async def test_due_date_and_snooze_are_set_with_a_zone_and_taken_back(api: Api) -> None:
    made = await api.post("/tickets", NEW)
    path = f"/tickets/{made.json['id']}"
    assert (made.json["due_at"], made.json["snoozed_until"]) == (None, None)
    later = utcnow().replace(microsecond=0) + timedelta(days=3)
    given = {"due_at": "2026-11-27T17:00:00+01:00", "snoozed_until": later.isoformat()}
    changed = await api.call("PATCH", path, json=given)
    assert changed.status == 200
    assert changed.json["due_at"] == "2026-11-27T16:00:00Z"
    assert datetime.fromisoformat(changed.json["snoozed_until"]) == later
    same = await api.call("PATCH", path, json={"priority": "high"})
    assert same.json["due_at"] == "2026-11-27T16:00:00Z"
    gone = await api.call("PATCH", path, json={"due_at": "none", "snoozed_until": "none"})
    assert (gone.json["due_at"], gone.json["snoozed_until"]) == (None, None)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"due_at": "2026-11-27T17:00:00"}, "with its zone"),
        ({"due_at": "soon"}, "with its zone"),
        ({"due_at": 7}, "with its zone"),
        ({"due_at": "1999-01-01T00:00:00Z"}, "between 2000 and 2099"),
        ({"due_at": "0001-01-01T00:00:00+14:00"}, "between 2000 and 2099"),
        ({"snoozed_until": "2020-01-01T00:00:00Z"}, "still to come"),
        ({"snoozed_until": "9999-12-31T23:59:59-12:00"}, "two years at most"),
    ],
)
async def test_a_moment_that_does_not_hold_is_refused_at_its_field(api: Api, given: dict[str, str], words: str) -> None:
    made = await api.post("/tickets", NEW)
    answer = await api.call("PATCH", f"/tickets/{made.json['id']}", json=given)
    assert answer.status in {400, 422}
    assert words in answer.json["error"]["message"]
    assert list(answer.json["error"]["fields"]) == list(given)
