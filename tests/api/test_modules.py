"""GET and PATCH /api/modules/{slug}."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.accounts.models import User
from app.runtime import Runtime

KEY = "canary-77aa55cc7f"


async def _ask(app: Quart, user: User, method: str, path: str, json: Any = None) -> tuple[int, dict[str, Any]]:
    runtime: Runtime = app.extensions["runtime"]
    with runtime.entered():
        token = await accounts.create_api_token(user.email)
    client: Client = app.test_client()
    headers = {"Host": "portal.test", "Authorization": f"Bearer {token}"}
    response = await client.open(path, method=method, json=json, headers=headers)
    return response.status_code, await response.get_json()


async def test_a_module_is_switched_and_configured(app: Quart, admin: User) -> None:
    status, before = await _ask(app, admin, "GET", "/api/modules/plausible")
    assert (status, before["enabled"], before["icon"]) == (200, False, "📊")
    assert set(before["sources"].values()) == {"default"}

    change = {"enabled": True, "settings": {"track_clicks": False, "site_domain": "help.example.com", "api_key": KEY}}
    status, after = await _ask(app, admin, "PATCH", "/api/modules/plausible", change)
    assert status == 200
    assert after["enabled"] is True
    assert after["settings"]["track_clicks"] is False
    assert after["settings"]["track_opens"] is True
    assert after["settings"]["api_key"] == {"set": True, "ends_with": "7f"}
    assert after["sources"]["site_domain"] == "saved"
    runtime: Runtime = app.extensions["runtime"]
    assert runtime.modules.is_enabled("plausible")

    status, cleared = await _ask(app, admin, "PATCH", "/api/modules/plausible", {"settings": {"api_key": None}})
    assert cleared["settings"]["api_key"] is None
    assert cleared["settings"]["site_domain"] == "help.example.com"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"settings": {"base_url": "gopher://x"}}, "base_url"),
        ({"settings": {"colour": "red"}}, "colour"),
        ({"settings": {"track_opens": "perhaps"}}, "track_opens"),
        ({"enable": True}, "enable"),
        ({"enabled": "yes"}, "enabled"),
    ],
)
async def test_what_does_not_hold_is_named_and_nothing_changes(
    app: Quart, admin: User, change: dict[str, Any], field: str
) -> None:
    _, before = await _ask(app, admin, "GET", "/api/modules/plausible")
    status, refusal = await _ask(app, admin, "PATCH", "/api/modules/plausible", {**change})
    assert status == 422
    assert field in refusal["error"]["fields"]
    _, after = await _ask(app, admin, "GET", "/api/modules/plausible")
    assert after["settings"] == before["settings"]


async def test_a_module_is_not_switched_on_with_settings_that_do_not_hold(app: Quart, admin: User) -> None:
    change = {"enabled": True, "settings": {"base_url": ""}}
    status, _ = await _ask(app, admin, "PATCH", "/api/modules/plausible", change)
    assert status == 422
    _, after = await _ask(app, admin, "GET", "/api/modules/plausible")
    assert after["enabled"] is False


async def test_modules_are_for_admins_and_unknown_ones_are_not_there(app: Quart, admin: User, agent: User) -> None:
    assert (await _ask(app, agent, "GET", "/api/modules/plausible"))[0] == 403
    assert (await _ask(app, agent, "PATCH", "/api/modules/plausible", {"enabled": True}))[0] == 403
    assert (await _ask(app, admin, "GET", "/api/modules/nothing"))[0] == 404
    assert (await _ask(app, admin, "PATCH", "/api/modules/nothing", {"enabled": True}))[0] == 404
