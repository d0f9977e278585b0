"""GET /api/accounts and PATCH /api/accounts/{user_id}."""

from __future__ import annotations

from pathlib import Path

import pytest
from quart import Quart

from app.accounts import profile
from app.accounts.models import User
from app.departments import service as departments
from app.settings import Settings
from tests.api.conftest import Api, call_as_described


@pytest.fixture
async def admins_api(app: Quart, admin: User) -> Api:
    """Calls in the name of Ada."""
    token = await profile.create_api_token(admin, name="tests")
    return Api(app.test_client(), {"Authorization": f"Bearer {token}"})


async def test_an_agent_is_limited_and_not_any_more(admins_api: Api, api: Api, agent: User, admin: User) -> None:
    legal_id = await departments.add(by=admin, name="Legal")
    ticket_id = await api.new_ticket()
    answer = await admins_api.call("PATCH", f"/accounts/{agent.id}", json={"departments": [legal_id]})
    assert (answer.status, answer.json["departments"]) == (200, [{"id": legal_id, "name": "Legal"}])
    listed = {one["id"]: one for one in (await admins_api.get("/accounts")).json["accounts"]}
    assert listed[agent.id] == answer.json
    assert listed[admin.id]["departments"] == []
    assert (await api.get(f"/tickets/{ticket_id}")).status == 404
    assert (await admins_api.call("PATCH", f"/accounts/{agent.id}", json={})).json == answer.json, "left out, it stays"
    await admins_api.call("PATCH", f"/accounts/{agent.id}", json={"departments": []})
    assert (await api.get(f"/tickets/{ticket_id}")).status == 200


async def test_what_does_not_hold_is_named(admins_api: Api, api: Api, agent: User) -> None:
    path = f"/accounts/{agent.id}"
    gone = await admins_api.call("PATCH", path, json={"departments": [99]})
    assert (gone.status, list(gone.fields)) == (422, ["departments"])
    assert (await admins_api.call("PATCH", path, json={"role": "admin"})).fields == {
        "role": "is unknown; known are departments."
    }
    assert (await admins_api.call("PATCH", "/accounts/999999", json={})).status == 404
    assert (await api.get("/accounts")).status == 403
    assert (await api.call("PATCH", path, json={"departments": []})).status == 403


async def test_no_call_made_from_the_description_breaks_it(
    admins_api: Api, settings: Settings, agent: User, tmp_path: Path
) -> None:
    (tmp_path / "schemathesis.toml").write_text(f'[parameters]\n"path.user_id" = {agent.id}\n')
    await call_as_described(admins_api, settings, tmp_path, paths="^/api/accounts", examples=10)
