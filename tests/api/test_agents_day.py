"""Saved views, filters, following, and what a new ticket begins with."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.accounts.models import User
from app.database import utcnow
from app.runtime import current
from tests.api.conftest import Api


async def opened(api: Api, subject: str, **more: object) -> int:
    """A new ticket's id."""
    made = await api.post("/tickets", {"subject": subject, "requester": "bob@example.org", "text_body": "x", **more})
    assert made.status == 201, made.json
    return int(made.json["id"])


async def test_views_are_saved_listed_changed_and_deleted(api: Api, agent: User) -> None:
    wanted = await opened(api, "Yes", tags=["vip"], priority="high", assignee="me")
    await opened(api, "No")
    made = await api.post("/views", {"name": "VIPs", "query": "?tag=vip&assignee=me".lstrip("?"), "shared": True})
    assert made.status == 201
    view = made.json
    assert (view["name"], view["shared"], view["owner"]["id"]) == ("VIPs", True, agent.id)
    assert made.headers["Location"] == f"/api/views/{view['id']}/tickets"
    found = await api.get(f"/views/{view['id']}/tickets")
    assert [one["id"] for one in found.json["tickets"]] == [wanted]
    changed = await api.call("PATCH", f"/views/{view['id']}", json={"name": "Mine"})
    assert (changed.json["name"], changed.json["shared"]) == ("Mine", True)
    assert [one["name"] for one in (await api.get("/views")).json["views"]] == ["Mine"]
    assert (await api.post("/views", {"name": "mine", "query": ""})).fields.keys() == {"name"}
    assert (await api.post("/views", {"name": "x", "query": "view=nonsense"})).status == 422
    assert (await api.call("DELETE", f"/views/{view['id']}")).json["name"] == "Mine"
    for method, path in (("GET", "/tickets"), ("PATCH", ""), ("DELETE", "")):
        body: dict[str, object] = {"json": {}} if method == "PATCH" else {}
        assert (await api.call(method, f"/views/{view['id']}{path}", **body)).status == 404


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("", ["B", "A"]),
        ("view=mine", ["A"]),
        ("view=unassigned", ["B"]),
        ("priority=high", ["A"]),
        ("receipt=none&waiting=us", ["B", "A"]),
        ("receipt=read", []),
        ("sort=created&dir=asc", ["A", "B"]),
        ("view=overdue", ["A"]),
        ("sort=due", ["A", "B"]),
    ],
)
async def test_lists_are_filtered_and_sorted_as_on_the_page(api: Api, query: str, subjects: list[str]) -> None:
    await opened(api, "A", priority="high", assignee="me", due_at="2026-01-02T09:00:00+01:00")
    await opened(api, "B")
    found = await api.get(f"/tickets?{query}")
    assert [one["subject"] for one in found.json["tickets"]] == subjects


async def test_a_list_in_another_order_has_pages(api: Api) -> None:
    made = [await opened(api, str(number)) for number in range(3)]
    first = await api.get("/tickets?sort=created&dir=asc&limit=2")
    second = await api.get(f"/tickets?sort=created&dir=asc&limit=2&cursor={first.json['next']}")
    assert [one["id"] for page in (first, second) for one in page.json["tickets"]] == made


async def test_what_does_not_hold_of_a_new_ticket_is_named(api: Api) -> None:
    given = {"subject": "x", "requester": "bob@example.org", "text_body": "x"}
    for more, field in (({"due_at": "none"}, "due_at"), ({"due_at": "1999-01-01T00:00:00Z"}, "due_at")):
        assert (await api.post("/tickets", {**given, **more})).fields.keys() == {field}
    assert (await api.post("/tickets", {**given, "assignee": 999})).fields.keys() == {"assignee"}
    assert (await api.get("/tickets?view=nonsense")).fields.keys() == {"view"}


async def test_one_follows_a_ticket_oneself(api: Api, agent: User) -> None:
    ticket_id = await opened(api, "One")
    followed = await api.post(f"/tickets/{ticket_id}/follow")
    assert (followed.status, followed.json) == (
        200,
        {"followers": [], "agents": [{"id": agent.id, "name": agent.name}]},
    )
    assert (await api.call("DELETE", f"/tickets/{ticket_id}/follow")).json["agents"] == []
    assert (await api.post("/tickets/99999/follow")).status == 404


async def test_many_are_snoozed(api: Api) -> None:
    ticket_id = await opened(api, "One")
    done = await api.post("/tickets/bulk", {"tickets": [ticket_id], "snoozed_until": "2099-01-01T00:00:00Z"})
    assert done.fields.keys() == {"snoozed_until"}
    later = (utcnow() + timedelta(days=2)).isoformat()
    assert (await api.post("/tickets/bulk", {"tickets": [ticket_id], "snoozed_until": later})).json["changed"] == 1
    assert (await api.get("/tickets?view=snoozed")).json["tickets"][0]["id"] == ticket_id
    assert (await api.post("/tickets/bulk", {"tickets": [ticket_id], "snoozed_until": "none"})).json["changed"] == 1


async def test_the_dashboard_is_given_in_figures(api: Api, agent: User) -> None:
    await opened(api, "Mine", assignee="me", due_at=(utcnow() - timedelta(hours=1)).isoformat())
    closed = await opened(api, "Done")
    await api.new_reply(closed, status="closed")
    async with current().database.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET state = 'sent', sent_at = UTC_TIMESTAMP(6)")
    desk = (await api.get("/dashboard")).json
    assert desk["now"] == {"open": 1, "waiting": 1, "unassigned": 0, "overdue": 1}
    assert (len(desk["days"]), desk["days"][-1]["opened"], desk["days"][-1]["closed"]) == (7, 2, 1)
    assert (desk["first_answer"]["tickets"], desk["unanswered"], desk["closing"]["tickets"]) == (1, 1, 1)
    assert desk["closing"]["median"] == desk["closing"]["nine_in_ten_within"] < 60
    assert (desk["replies"]["sent"], desk["agents"][0]["id"], desk["agents"][0]["open"]) == (1, agent.id, 1)
    assert len((await api.get("/dashboard?days=30")).json["days"]) == 30
    assert (await api.get("/dashboard?days=8")).fields.keys() == {"days"}
