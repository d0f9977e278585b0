"""What every request passes: Host, login, CSRF; and what every page carries."""

from __future__ import annotations

import threading

import pytest
from pydantic import SecretStr
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.runtime import Runtime
from app.settings import Settings
from app.web import health
from app.web.access import host_is_ours
from tests.support.web import get, post


def _settings(portal_url: str | None) -> Settings:
    return Settings(_env_file=None, portal_url=portal_url, secret_key=SecretStr("s" * 32))


@pytest.mark.parametrize(
    ("portal_url", "host", "ours"),
    [
        ("https://help.example.com", "help.example.com", True),
        ("https://help.example.com", "HELP.example.com:443", True),
        ("https://help.example.com", "help.example.com:80", False),
        ("https://help.example.com", "help.example.com.evil.example", False),
        ("https://help.example.com", "evil.example", False),
        ("https://help.example.com", "help.example.com@evil.example", False),
        ("https://help.example.com", "", False),
        ("https://help.example.com", "127.0.0.1", False),
        ("http://127.0.0.1:8000", "localhost:8000", True),
        ("http://127.0.0.1:8000", "[::1]:8000", True),
        ("http://127.0.0.1:8000", "localhost:8001", False),
        ("http://127.0.0.1:8000", "evil.example:8000", False),
        (None, "localhost:5000", True),
        (None, "help.example.com", False),
        ("https://help.example.com", "help.example.com:notaport", False),
    ],
)
def test_only_the_host_of_portal_url_is_ours(portal_url: str | None, host: str, ours: bool) -> None:
    assert host_is_ours(host, _settings(portal_url)) is ours


async def test_a_stranger_is_led_to_the_login_and_back(client: Client) -> None:
    response = await get(client, "/tickets?view=all&q=a b")
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/login?next=/tickets?view%3Dall")


async def test_a_page_carries_its_headers(agent_client: Client) -> None:
    response = await get(agent_client, "/tickets")
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_form_from_elsewhere_is_refused(agent_client: Client) -> None:
    response = await post(agent_client, "/logout", headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    assert "evil.example" in await response.get_data(as_text=True)
    assert (await get(agent_client, "/tickets")).status_code == 200, "still logged in"


async def test_another_sessions_token_is_refused(app: Quart, agent_client: Client, admin_client: Client) -> None:
    stolen = admin_client.csrf_token  # type: ignore[attr-defined]
    response = await agent_client.post("/logout", form={"csrf_token": stolen}, headers={"Host": "portal.test"})
    assert response.status_code == 403


async def test_a_fault_shows_no_inner_words(agent_client: Client, app: Quart, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("canary of the inside")

    monkeypatch.setitem(app.view_functions, "ticket_list.index", broken)
    for name in list(app.view_functions):
        if name.startswith("ticket_list."):
            monkeypatch.setitem(app.view_functions, name, broken)
    response = await get(agent_client, "/tickets")
    page = await response.get_data(as_text=True)
    assert response.status_code == 500
    assert "canary" not in page
    assert "Something broke on our side" in page


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/tickets", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/logout", {"POST", "OPTIONS"}),
        ("POST", "/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/api/email-tracking/pixel/x.gif", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/api/email-tracking/click", {"GET", "HEAD", "OPTIONS"}),
    ],
)
async def test_a_wrong_method_is_answered_with_those_that_work(
    client: Client, agent_client: Client, method: str, path: str, allowed: set[str]
) -> None:
    for one in (client, agent_client):
        response = await getattr(one, method.lower())(path, headers={"Host": "portal.test"})
        assert response.status_code == 405
        assert set(response.headers["Allow"].split(", ")) == allowed


async def test_a_wrong_method_under_another_host_is_refused(client: Client) -> None:
    response = await client.put("/tickets", headers={"Host": "evil.example"})
    assert response.status_code == 400


async def test_the_page_of_a_wrong_method_does_not_look_logged_out(agent_client: Client) -> None:
    page = await (await get(agent_client, "/logout")).get_data(as_text=True)
    assert "That cannot be done here" in page
    assert "Gus Agent" in page


async def test_options_names_the_methods_and_runs_nothing(client: Client) -> None:
    response = await client.options("/tickets", headers={"Host": "portal.test"})
    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert await response.get_data() == b""


async def test_an_address_below_api_that_is_none_asks_strangers_who_they_are(client: Client) -> None:
    assert (await get(client, "/api/nothing")).status_code == 401


async def test_readiness_tells_of_the_database_and_liveness_does_not_ask_it(
    client: Client, runtime: Runtime, app: Quart
) -> None:
    assert await (await get(client, "/readyz")).get_json() == {"ready": True}
    async with runtime.database.transaction() as conn:
        await conn.execute("UPDATE schema_migrations SET finished_at = NULL WHERE name = '0006_plausible'")
    try:
        response = await get(client, "/readyz")
        assert response.status_code == 503
        assert "myportal migrate" in (await response.get_json())["reason"]
        assert (await get(client, "/healthz")).status_code == 200
    finally:
        async with runtime.database.transaction() as conn:
            await conn.execute("UPDATE schema_migrations SET finished_at = NOW(6) WHERE finished_at IS NULL")


async def test_a_process_that_is_asked_to_end_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()
    monkeypatch.setattr(health, "stopping", stopping)
    assert (await get(client, "/readyz")).status_code == 200
    stopping.set()
    response = await get(client, "/readyz")
    assert (response.status_code, await response.get_json()) == (503, {"ready": False, "reason": "stopping"})


async def test_metrics_are_there(client: Client) -> None:
    assert "python_info" in await (await get(client, "/metrics")).get_data(as_text=True)


async def test_only_addresses_with_a_version_are_kept_by_browsers(client: Client) -> None:
    versioned = await get(client, "/static/editor.js?v=0123456789ab")
    imported = await get(client, "/static/editor/clean.js")
    assert "max-age=31536000" in versioned.headers["Cache-Control"]
    assert imported.headers["Cache-Control"] == "no-cache"
