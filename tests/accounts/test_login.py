"""Logging in and out in the browser."""

from __future__ import annotations

import re
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from argon2 import PasswordHasher
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.accounts import passwords, repository
from app.accounts import service as accounts
from app.accounts.models import User
from app.crypto import sha256
from app.database import Database, utcnow
from app.runtime import Runtime
from app.settings import Settings
from tests.conftest import PASSWORD
from tests.support.web import HOST, get, post


async def token_in(response: Response) -> str:
    """The CSRF token of the first form on a page."""
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', await response.get_data(as_text=True))
    assert found
    return found[1]


async def try_to_log_in(
    client: Client, email: str, password: str, *, next: str = "", address: str = "192.0.2.1"
) -> Response:
    """Open the login page and send it, from an address."""
    csrf = await token_in(await get(client, "/login"))
    return await client.post(
        "/login",
        form={"email": email, "password": password, "next": next, "csrf_token": csrf},
        headers={"Host": HOST},
        scope_base={"client": (address, 50000)},
    )


def cookie(response: Response, name: str = "myportal") -> SimpleCookie:
    """The Set-Cookie of one name."""
    cookies: SimpleCookie = SimpleCookie()
    for header in response.headers.getlist("Set-Cookie"):
        if header.startswith(name + "="):
            cookies.load(header)
    return cookies


async def test_the_right_password_leads_to_the_page_that_was_asked_for(client: Client, agent: User) -> None:
    asked = await get(client, "/profile?x=1")
    assert (asked.status_code, asked.location) == (303, "/login?next=/profile?x%3D1")
    assert 'value="/profile?x=1"' in await (await get(client, asked.location)).get_data(as_text=True)

    response = await try_to_log_in(client, agent.email.upper(), PASSWORD, next="/profile?x=1")

    assert (response.status_code, response.location) == (303, "/profile?x=1")
    assert (await get(client, "/profile")).status_code == 200


async def test_the_session_cookie_is_kept_from_scripts_and_other_sites(client: Client, agent: User) -> None:
    morsel = cookie(await try_to_log_in(client, agent.email, PASSWORD))["myportal"]
    assert morsel["httponly"]
    assert (morsel["samesite"], morsel["path"], morsel["secure"]) == ("Lax", "/", "")
    assert int(morsel["max-age"]) == accounts.SESSION_LIFE.total_seconds()


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host(settings: Settings, agent: User) -> None:
    application = create_app(settings.model_copy(update={"portal_url": "https://portal.test"}))
    await application.startup()
    morsel = cookie(await try_to_log_in(application.test_client(), agent.email, PASSWORD), "__Host-myportal")[
        "__Host-myportal"
    ]
    await application.shutdown()
    assert morsel["secure"]
    assert not morsel["domain"]


async def test_the_token_of_a_session_is_not_in_the_database(client: Client, agent: User, db: Database) -> None:
    token = cookie(await try_to_log_in(client, agent.email, PASSWORD))["myportal"].value
    async with db.connection() as conn:
        rows = await conn.fetch_all("SELECT token_hash, address FROM sessions")
    assert rows == [{"token_hash": sha256(token), "address": "192.0.2.1"}]


async def test_a_login_gives_a_new_session_and_ends_the_one_before(app: Quart, agent: User, db: Database) -> None:
    client = app.test_client()
    planted = await accounts.start_session(agent, address="", user_agent="")
    client.set_cookie(HOST, "myportal", planted)
    csrf = await token_in(await get(client, "/profile"))
    form = {"email": agent.email, "password": PASSWORD, "csrf_token": csrf}
    response = await client.post("/login", form=form, headers={"Host": HOST})
    assert cookie(response)["myportal"].value != planted
    assert await accounts.user_of_session(planted) is None
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM sessions") == 1


async def test_a_made_up_session_id_is_never_taken_over(client: Client, agent: User) -> None:
    client.set_cookie(HOST, "myportal", "chosen-by-an-attacker")
    response = await try_to_log_in(client, agent.email, PASSWORD)
    assert cookie(response)["myportal"].value != "chosen-by-an-attacker"
    assert await accounts.user_of_session("chosen-by-an-attacker") is None


async def test_wrong_unknown_invited_and_disabled_are_told_in_the_same_words(
    client: Client, admin: User, agent: User, db: Database
) -> None:
    await accounts.create_user(email="invited@portal.test", role="agent", password=None)
    async with db.transaction() as conn:
        await repository.disable(conn, agent.id)
    pages = set()
    for email, password in (
        (admin.email, "not the password"),
        ("nobody@portal.test", PASSWORD),
        ("invited@portal.test", PASSWORD),
        (agent.email, PASSWORD),
        (admin.email, ""),
        (admin.email, "x" * 5000),
    ):
        response = await try_to_log_in(client, email, password)
        assert response.status_code == 422
        assert not cookie(response)
        text = await response.get_data(as_text=True)
        pages.add(re.sub(r'(name="csrf_token" value=|name="email" value=|nonce=)"[^"]*"', "", text))
    assert len(pages) == 1
    assert "do not belong together" in pages.pop()


async def test_every_refusal_costs_one_password_check(
    client: Client, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    class Counting:
        def verify(self, stored: str, password: bytes) -> bool:
            checked.append(stored)
            return PasswordHasher().verify(stored, password)

        def check_needs_rehash(self, stored: str) -> bool:
            return False

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    for email in (agent.email, "nobody@portal.test"):
        await try_to_log_in(client, email, "not the password")
    assert len(checked) == 2
    assert checked[0].split("$")[:4] == checked[1].split("$")[:4]


async def test_what_was_typed_is_kept_and_escaped_but_not_the_password(client: Client, agent: User) -> None:
    response = await try_to_log_in(client, '"><script>alert(1)</script>', "hunter2hunter2")
    text = await response.get_data(as_text=True)
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text
    assert "hunter2" not in text
    assert "<title>Error: Log in" in text


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"])
async def test_a_login_never_leads_to_another_site(client: Client, agent: User, target: str) -> None:
    response = await try_to_log_in(client, agent.email, PASSWORD, next=target)
    assert (response.status_code, response.location) == (303, "/tickets")


async def test_the_sixth_wrong_password_has_to_wait(client: Client, agent: User) -> None:
    for _ in range(5):
        assert (await try_to_log_in(client, agent.email, "not the password")).status_code == 422
    response = await try_to_log_in(client, agent.email, PASSWORD)
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 30
    assert "Too many logins failed. Wait" in await response.get_data(as_text=True)


async def test_an_unknown_account_is_throttled_just_the_same(client: Client, agent: User) -> None:
    for _ in range(5):
        await try_to_log_in(client, "nobody@portal.test", "not the password")
    assert (await try_to_log_in(client, "nobody@portal.test", "not the password")).status_code == 429


async def test_the_owner_gets_in_from_elsewhere_while_others_guess(client: Client, agent: User) -> None:
    for host in range(3):
        for _ in range(5):
            await try_to_log_in(client, agent.email, "not the password", address=f"198.51.100.{host}")
    response = await try_to_log_in(client, agent.email, PASSWORD, address="192.0.2.77")
    assert response.status_code == 303


async def test_an_address_that_tries_many_accounts_has_to_wait(client: Client, agent: User) -> None:
    for number in range(20):
        await try_to_log_in(client, f"guess{number}@portal.test", "not the password")
    assert (await try_to_log_in(client, agent.email, PASSWORD)).status_code == 429
    assert (await try_to_log_in(client, agent.email, PASSWORD, address="192.0.2.2")).status_code == 303


async def test_the_wait_ends(client: Client, agent: User, db: Database) -> None:
    for _ in range(5):
        await try_to_log_in(client, agent.email, "not the password")
    async with db.transaction() as conn:
        await conn.execute("UPDATE login_failures SET failed_at = %(at)s", {"at": utcnow() - timedelta(seconds=31)})
    assert (await try_to_log_in(client, agent.email, PASSWORD)).status_code == 303


async def test_a_look_alike_address_is_nobody(client: Client, agent: User) -> None:
    assert (await try_to_log_in(client, agent.email.replace("u", "ü"), PASSWORD)).status_code == 422


async def test_a_hash_with_weaker_parameters_is_renewed_at_login(client: Client, agent: User, db: Database) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=32, parallelism=1).hash(PASSWORD)
    async with db.transaction() as conn:
        await repository.set_password_hash(conn, user_id=agent.id, password_hash=weak)
    assert (await try_to_log_in(client, agent.email, PASSWORD)).status_code == 303
    async with db.connection() as conn:
        stored = await repository.password_hash_of(conn, agent.id)
    assert stored is not None
    assert stored != weak
    assert not passwords.needs_rehash(stored)
    assert await passwords.verify_password(stored, PASSWORD)


async def test_a_password_fits_however_its_letters_are_composed(runtime: Runtime) -> None:
    stored = await passwords.hash_password("Zw\u00f6lf Boxk\u00e4mpfer")
    assert await passwords.verify_password(stored, "Zwo\u0308lf Boxka\u0308mpfer")


async def test_a_login_without_a_token_is_refused(client: Client, agent: User) -> None:
    form = {"email": agent.email, "password": PASSWORD}
    assert (await client.post("/login", form=form, headers={"Host": HOST})).status_code == 403


async def test_who_is_logged_in_does_not_see_the_login_page(agent_client: Client) -> None:
    response = await get(agent_client, "/login?next=/profile")
    assert (response.status_code, response.location) == (303, "/profile")


async def test_logging_out_ends_the_session_and_takes_the_cookie(agent_client: Client, db: Database) -> None:
    response = await post(agent_client, "/logout")
    assert (response.status_code, response.location) == (303, "/login")
    assert cookie(response)["myportal"].value == ""
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM sessions") == 0
    assert (await get(agent_client, "/profile")).status_code == 303


async def test_logging_out_takes_a_form_of_ours(agent_client: Client) -> None:
    assert (await get(agent_client, "/logout")).status_code == 405
    assert (await agent_client.post("/logout", headers={"Host": HOST})).status_code == 403
    assert (await get(agent_client, "/profile")).status_code == 200


async def test_the_root_leads_to_the_tickets(agent_client: Client) -> None:
    response = await get(agent_client, "/")
    assert (response.status_code, response.location) == (303, "/tickets")


async def test_neither_password_nor_session_reaches_the_log(
    client: Client, agent: User, capsys: pytest.CaptureFixture[str]
) -> None:
    await try_to_log_in(client, agent.email, "canary-wrong-password")
    token = cookie(await try_to_log_in(client, agent.email, PASSWORD))["myportal"].value
    written = "".join(capsys.readouterr())
    assert "logged in" in written
    assert "login refused" in written
    for secret in ("canary-wrong-password", PASSWORD, token):
        assert secret not in written


async def test_a_session_ends_after_two_weeks_and_after_three_idle_days(agent: User, db: Database) -> None:
    old, idle, live = [await accounts.start_session(agent, address="", user_agent="") for _ in range(3)]
    async with db.transaction() as conn:
        past = {"now": utcnow(), "idle_since": utcnow() - timedelta(days=3, minutes=1)}
        ended = {**past, "old": sha256(old), "idle": sha256(idle)}
        await conn.execute("UPDATE sessions SET expires_at = %(now)s WHERE token_hash = %(old)s", ended)
        await conn.execute("UPDATE sessions SET last_seen_at = %(idle_since)s WHERE token_hash = %(idle)s", ended)
    assert await accounts.user_of_session(old) is None
    assert await accounts.user_of_session(idle) is None
    assert await accounts.user_of_session(live)
