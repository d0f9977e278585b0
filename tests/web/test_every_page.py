"""What holds for every address of the portal, those that nobody has thought of yet included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client
from werkzeug.routing import Rule

from app import ROOT, create_app
from app.accounts import profile
from app.accounts.models import User
from app.runtime import Runtime
from app.settings import Settings
from app.tickets import service
from app.web.access import ACCESS
from tests.support.web import HOST, get, log_in

FILLED = {
    "slug": "plausible", "kind": "csv", "action": "remove", "token": "x" * 43, "email": "cc@example.org",
    "tracking_id": "x" * 43, "step": "pause", "slash": "/",
}  # fmt: skip
SCRIPT = re.compile(r"<script\b([^>]*)>")


def _addresses(app: Quart, *, safe: bool) -> Iterator[tuple[Rule, str, str, str]]:
    """Rule, method, path and access of all that is there."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if (method == "GET") is safe and rule.endpoint != "static":
                values = {name: FILLED.get(name, 1) for name in rule.arguments}
                path = app.url_map.bind(HOST).build(rule.endpoint, values, method=method, append_unknown=False)
                yield rule, method, path, getattr(app.view_functions[rule.endpoint], ACCESS, "user")


def _policy(response: Response) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in response.headers["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in parts}


@pytest.fixture
async def ticket_id(runtime: Runtime, admin: User) -> int:
    """The first ticket, with a customer's HTML, so that pages of ticket 1 are there."""
    found = await service.create_ticket(
        subject="One", requester="bob@example.org", html_body="<p>Hi</p>", created_by=None
    )
    async with runtime.database.transaction() as conn:
        await conn.execute("UPDATE tickets SET department_id = 1 WHERE id = %(id)s", {"id": found})
    return found


async def test_no_script_runs_without_the_nonce_of_its_page(app: Quart, admin_client: Client, ticket_id: int) -> None:
    pages, nonces = 0, set()
    paths = [path for rule, _, path, _ in _addresses(app, safe=True) if not rule.arguments and path != "/live"]
    for path in [*paths, f"/tickets/{ticket_id}", "/no/such/page", "/admin/modules/plausible"]:
        response = await get(admin_client, path)
        text = await response.get_data(as_text=True)
        if response.mimetype != "text/html" or response.status_code in {301, 302, 303}:
            continue
        policy = _policy(response)
        if policy["default-src"] == "'none'" and "script-src" not in policy:
            assert not SCRIPT.search(text), path
            continue
        found = re.fullmatch(r"'nonce-([A-Za-z0-9_-]{22})'", policy["script-src"])
        assert found, f"{path}: {policy['script-src']}"
        for attributes in SCRIPT.findall(text):
            assert f'nonce="{found[1]}"' in attributes, f"{path}: <script{attributes}>"
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert "unsafe" not in response.headers["Content-Security-Policy"], path
        assert not re.search(r"<[^>]+\son[a-z]+=", text), f"{path} has a handler that the policy stops"
        assert response.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        pages += 1
        nonces.add(found[1])
    assert pages > 25
    assert len(nonces) == pages, "each answer has its own"


async def test_over_https_browsers_are_told_to_stay_there_and_cookies_are_bound_to_the_host(
    settings: Settings, runtime: Runtime
) -> None:
    application = create_app(settings.model_copy(update={"portal_url": f"https://{HOST}"}))
    await application.startup()
    response = await application.test_client().get("/login", headers={"Host": HOST}, scheme="https")
    assert int(response.headers["Strict-Transport-Security"].partition("max-age=")[2]) >= 31536000
    for cookie in response.headers.getlist("Set-Cookie"):
        assert cookie.startswith("__Host-")
        assert all(part in cookie for part in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"))
        assert "Domain" not in cookie
    assert response.headers.getlist("Set-Cookie")
    await application.shutdown()


async def test_without_tls_nothing_is_said_of_it(client: Client) -> None:
    assert "Strict-Transport-Security" not in (await get(client, "/login")).headers


async def test_another_host_gets_nothing_but_what_is_for_every_host(app: Quart, admin_client: Client) -> None:
    token = admin_client.csrf_token  # type: ignore[attr-defined]
    for rule, method, path, access in (*_addresses(app, safe=True), *_addresses(app, safe=False)):
        if access == "open":
            continue
        response = await admin_client.open(  # type: ignore[call-arg]
            path, method=method, headers={"Host": "evil.example", "X-CSRF-Token": token}
        )
        assert response.status_code == 400, f"{method} {rule.rule}"
        assert "evil.example" not in await response.get_data(as_text=True)


async def test_what_a_proxy_may_add_does_not_name_the_portal(app: Quart, admin_client: Client) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example"}
    for path in ("/admin/users", "/tickets", "/login", "/api/openapi.json"):
        response = await get(admin_client, path, headers=headers)
        text = await response.get_data(as_text=True)
        assert "evil.example" not in text + response.headers.get("Location", "")


def test_no_address_is_made_from_the_request() -> None:
    """`request.host` is compared, and after the check of the Host header names our own images in a frame's policy.

    In the outbound client, `request` is one of our own.
    """
    allowed = {"app/web/access.py", "app/images/routes.py", "app/customer/routes.py", "app/demo/mailbox.py"}
    allowed |= {"plugins/plausible/pages/routes.py", "app/outbound/client.py"}
    asked = re.compile(r"_external\s*=|\brequest\.(?:host|host_url|url_root|root_url|base_url|url)\b")
    found = {
        str(path.relative_to(ROOT))
        for folder in ("app", "plugins")
        for path in Path(ROOT, folder).rglob("*.py")
        if asked.search(path.read_text(encoding="utf-8"))
    }
    assert found <= allowed


async def test_nothing_changes_without_the_token_of_the_page(app: Quart, admin: User, client: Client) -> None:
    user_client = await log_in(app, admin)
    count = 0
    for rule, method, path, access in _addresses(app, safe=False):
        if access == "open":
            continue
        headers = {"Host": HOST}
        for one, wanted in ((user_client, {403}), (client, {403} if access == "anonymous" else {401})):
            response = await one.open(path, method=method, headers=headers)  # type: ignore[call-arg]
            assert response.status_code in wanted, f"{method} {rule.rule}: {response.status_code}"
        count += 1
    assert count > 60


async def test_strangers_see_only_what_is_meant_for_them(app: Quart, client: Client) -> None:
    for rule, _, path, access in _addresses(app, safe=True):
        if access in {"open", "anonymous"}:
            continue
        response = await get(client, path)
        if path.startswith("/api/"):
            assert response.status_code == 401, rule.rule
        else:
            assert response.status_code == 303, rule.rule
            assert response.location.startswith("/login?next="), rule.rule


async def test_agents_get_to_no_page_of_admins(app: Quart, agent: User, agent_client: Client) -> None:
    token = await profile.create_api_token(agent, name="tests")
    csrf = agent_client.csrf_token  # type: ignore[attr-defined]
    count = 0
    for rule, method, path, access in (*_addresses(app, safe=True), *_addresses(app, safe=False)):
        if access != "admin":
            assert not rule.rule.startswith(("/admin", "/api/modules")), f"{rule.rule} is for everybody"
            continue
        for one, headers in (
            (agent_client, {"Host": HOST, "X-CSRF-Token": csrf}),
            (app.test_client(), {"Host": HOST, "Authorization": f"Bearer {token}"}),
        ):
            if "Authorization" in headers and not path.startswith("/api/"):
                continue
            response = await one.open(path, method=method, headers=headers)  # type: ignore[call-arg]
            assert response.status_code == 403, f"{method} {rule.rule}: {response.status_code}"
        count += 1
    assert count > 40
