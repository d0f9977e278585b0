"""/api/contacts: what a contact decided about being tracked; and the department of a ticket."""

from __future__ import annotations

from typing import Any

import pytest

from app.accounts.models import User
from app.departments import service as departments
from tests.api.conftest import Api


@pytest.fixture
async def bob(api: Api) -> int:
    ticket_id = await api.new_ticket()
    return int((await api.get(f"/tickets/{ticket_id}")).json["requester"]["contact_id"])


async def test_a_contact_is_read_and_their_decision_noted(api: Api, bob: int) -> None:
    before = (await api.get(f"/contacts/{bob}")).json
    assert (before["name"], before["addresses"], before["tracking"]) == ("Bob", ["bob@example.org"], "unknown")
    assert (before["tracking_decided_at"], before["tracking_source"], before["tracking_decisions"]) == (None, "", [])
    first = await api.call("PATCH", f"/contacts/{bob}", json={"tracking": "refused"})
    again = await api.call("PATCH", f"/contacts/{bob}", json={"tracking": "refused", "tracking_source": "import"})
    assert first.status == 200
    assert again.json == first.json, "the same decision again changes nothing"
    assert (first.json["tracking"], first.json["tracking_source"]) == ("refused", "api")
    moved = (
        await api.call("PATCH", f"/contacts/{bob}", json={"tracking": "allowed", "tracking_source": "import"})
    ).json
    told = [(one["decision"], one["source"], one["by"]) for one in moved["tracking_decisions"]]
    assert told == [("allowed", "import", "Gus Agent"), ("refused", "api", "Gus Agent")]
    assert moved["tracking_decided_at"] == moved["tracking_decisions"][0]["at"] > first.json["tracking_decided_at"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tracking": "yes"}, "tracking"),
        ({"tracking": None}, "tracking"),
        ({}, "tracking"),
        ({"tracking": "refused", "tracking_source": "page"}, "tracking_source"),
        ({"tracking": "refused", "name": "Eve"}, "name"),
    ],
)
async def test_what_is_no_decision_is_refused(api: Api, bob: int, body: dict[str, Any], field: str) -> None:
    answer = await api.call("PATCH", f"/contacts/{bob}", json=body)
    assert answer.status == 422
    assert list(answer.fields) == [field]
    assert (await api.get(f"/contacts/{bob}")).json["tracking"] == "unknown"


async def test_a_contact_that_is_not_there_is_a_404(api: Api) -> None:
    assert (await api.get("/contacts/999")).status == 404
    assert (await api.call("PATCH", "/contacts/999", json={"tracking": "refused"})).status == 404


async def test_a_ticket_has_its_department_by_name_or_id(api: Api, admin: User) -> None:
    sales = await departments.add(by=admin, name="Sales")
    for wanted in ("Sales", sales):
        ticket_id = await api.new_ticket(department=wanted)
        assert (await api.get(f"/tickets/{ticket_id}")).json["department"] == {"id": sales, "name": "Sales"}
    plain = await api.new_ticket()
    assert (await api.get(f"/tickets/{plain}")).json["department"] is None
    listed = (await api.get("/tickets")).json["tickets"]
    assert [one["department"] and one["department"]["name"] for one in listed] == [None, "Sales", "Sales"]


@pytest.mark.parametrize("wanted", ["Nobody", 77, "", "77", 2**70])
async def test_a_department_that_is_none_is_named(api: Api, wanted: object) -> None:
    body = {"subject": "s", "requester": "b@x.org", "text_body": "x", "department": wanted}
    answer = await api.post("/tickets", body)
    assert answer.status == 422
    assert "Admin → Departments" in answer.fields["department"]
