"""Assignment rules by the API: for admins, in their order, refused by field."""

from __future__ import annotations

import pytest
from quart import Quart

from app.accounts import profile
from app.accounts.models import User
from tests.api.conftest import Api


@pytest.fixture
async def admin_api(app: Quart, admin: User) -> Api:
    """Calls in the name of an admin."""
    return Api(app.test_client(), {"Authorization": f"Bearer {await profile.create_api_token(admin, name='tests')}"})


async def test_rules_are_made_moved_changed_and_deleted(api: Api, admin_api: Api, agent: User) -> None:
    rest = await admin_api.post("/assignment-rules", {"name": "Rest", "agents": [agent.id]})
    vip = await admin_api.post("/assignment-rules", {"name": "VIP", "tags": ["VIP"], "agents": [agent.id]})
    assert (rest.status, vip.status, vip.json["tags"], vip.json["last_agent"]) == (201, 201, ["vip"], None)
    assert vip.json["agents"] == [{"id": agent.id, "name": agent.name, "takes_tickets": True}]
    path = f"/assignment-rules/{vip.json['id']}"

    async def names() -> list[str]:
        return [one["name"] for one in (await admin_api.get("/assignment-rules")).json["assignment_rules"]]

    assert await names() == ["Rest", "VIP"]
    moved = await admin_api.post(f"{path}/move", {"to": "up"})
    assert [one["name"] for one in moved.json["assignment_rules"]] == ["VIP", "Rest"] == await names()
    changed = await admin_api.call("PUT", path, json={"name": "Very", "tags": ["a", "b"], "agents": [agent.id]})
    assert (changed.status, changed.json["tags"], await names()) == (200, ["a", "b"], ["Very", "Rest"])

    ticket = (await api.get(f"/tickets/{await api.new_ticket()}")).json
    assert ticket["assignee"]["id"] == agent.id
    [_, used] = (await admin_api.get("/assignment-rules")).json["assignment_rules"]
    assert used["last_agent"] == agent.id

    assert (await admin_api.call("DELETE", path)).json == {"name": "Very"}
    assert await names() == ["Rest"]
    assert (await admin_api.call("DELETE", path)).status == 404
    assert (await admin_api.post(f"{path}/move", {"to": "up"})).status == 404
    assert (await admin_api.call("PUT", path, json={"name": "x", "agents": [agent.id]})).status == 404


async def test_what_does_not_hold_is_said_by_field(admin_api: Api, agent: User) -> None:
    many = {"name": " ", "mailboxes": [99], "departments": [99], "tags": ["x" * 50], "agents": [99]}
    refused = await admin_api.post("/assignment-rules", many)
    assert (refused.status, set(refused.fields)) == (422, set(many))
    nobody = await admin_api.post("/assignment-rules", {"name": "x", "agents": []})
    assert set(nobody.fields) == {"agents"}
    unknown = {"name": "x", "agents": [agent.id], "other": 1}
    assert (await admin_api.post("/assignment-rules", unknown)).fields.keys() == {"other"}


async def test_rules_are_for_admins_only(api: Api, admin_api: Api, agent: User) -> None:
    made = await admin_api.post("/assignment-rules", {"name": "Rest", "agents": [agent.id]})
    body, path = {"name": "x", "agents": [agent.id]}, f"/assignment-rules/{made.json['id']}"
    assert (await api.get("/assignment-rules")).status == 403
    assert (await api.post("/assignment-rules", body)).status == 403
    assert (await api.call("PUT", path, json=body)).status == 403
    assert (await api.call("DELETE", path)).status == 403
    assert (await api.post(f"{path}/move", {"to": "up"})).status == 403
