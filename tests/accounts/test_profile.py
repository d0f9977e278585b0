"""One's own profile: what a person changes, and that nobody reaches another's."""

from __future__ import annotations

import re

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import admin as administration
from app.accounts import login, profile
from app.accounts import service as accounts
from app.accounts.errors import LoginRefused, NoSuchAccount
from app.accounts.models import User
from app.crypto import sha256
from app.database import Database
from app.runtime import Runtime
from tests.conftest import PASSWORD
from tests.support.web import HOST, get, log_in, post

NEW = "four words in a row"


async def text_of(client: Client, path: str = "/profile") -> str:
    """A page's HTML."""
    return await (await get(client, path)).get_data(as_text=True)


async def test_name_signature_and_time_zone_are_saved(agent_client: Client, agent: User) -> None:
    form = {"name": " Gus  Moreau ", "signature": "Gus\r\n\r\n+49 30 1234\r\n", "timezone": "Asia/Kolkata"}
    assert (await post(agent_client, "/profile", form)).status_code == 303
    after = await accounts.user_by_id(agent.id)
    assert after
    assert (after.name, after.signature, after.timezone) == ("Gus Moreau", "Gus\n\n+49 30 1234", "Asia/Kolkata")
    page = await text_of(agent_client)
    assert '<option value="Asia/Kolkata" selected>Asia/Kolkata</option>' in page
    assert "Your profile is saved." in page
    assert "IST" in page


async def test_the_time_zone_is_the_browsers_until_one_is_chosen(agent_client: Client) -> None:
    assert '<option value="" selected>As in the browser</option>' in await text_of(agent_client)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"signature": "y" * 2001}, "signature"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
    ],
)
async def test_what_will_not_do_is_said_at_its_field_and_kept(
    agent_client: Client, agent: User, form: dict[str, str], field: str
) -> None:
    given = {"name": "Typed", "signature": "typed too", "timezone": "", **form}
    response = await post(agent_client, "/profile", given)
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert f'id="f-{field}-error"' in page
    assert "<title>Error: Your profile" in page
    assert ("typed too" in page) == ("signature" not in form)
    after = await accounts.user_by_id(agent.id)
    assert after
    assert (after.name, after.signature) == (agent.name, "")


async def test_a_profile_form_changes_neither_role_nor_address(agent_client: Client, agent: User) -> None:
    form = {"name": agent.name, "signature": "", "timezone": "", "role": "admin", "email": "boss@portal.test"}
    await post(agent_client, "/profile", {**form, "id": "1", "user_id": "1"})
    after = await accounts.user_by_id(agent.id)
    assert after
    assert (after.role, after.email) == ("agent", agent.email)


async def test_hostile_text_is_shown_as_text(agent_client: Client) -> None:
    hostile = "</textarea><script>alert(1)</script>{{7*7}}"
    await post(agent_client, "/profile", {"name": hostile, "signature": hostile, "timezone": ""})
    page = await text_of(agent_client)
    assert "<script>alert" not in page
    assert "{{7*7}}" in page


async def test_a_new_password_needs_the_present_one_and_ends_other_sessions(
    agent_client: Client, app: Quart, agent: User
) -> None:
    elsewhere = await log_in(app, agent)
    refused = await post(agent_client, "/profile/password", {"present": "wrong", "password": NEW, "repeat": NEW})
    assert refused.status_code == 422
    assert "This is not your present password." in await refused.get_data(as_text=True)
    assert (await get(elsewhere, "/profile")).status_code == 200

    form = {"present": PASSWORD, "password": NEW, "repeat": NEW}
    assert (await post(agent_client, "/profile/password", form)).status_code == 303

    assert "Your password is changed. One other session is logged out." in await text_of(agent_client)
    assert (await get(elsewhere, "/profile")).status_code == 303
    await login.confirm_password(agent, NEW, address="")
    with pytest.raises(LoginRefused):
        await login.confirm_password(agent, PASSWORD, address="")


@pytest.mark.parametrize(
    ("password", "repeat", "field"), [("short", "short", "password"), (NEW, NEW + "!", "repeat"), ("", "", "password")]
)
async def test_a_bad_new_password_changes_nothing(
    agent_client: Client, agent: User, password: str, repeat: str, field: str
) -> None:
    form = {"present": PASSWORD, "password": password, "repeat": repeat}
    response = await post(agent_client, "/profile/password", form)
    assert response.status_code == 422
    assert f'id="f-{field}-error"' in await response.get_data(as_text=True)
    await login.confirm_password(agent, PASSWORD, address="")


async def test_a_stolen_session_cannot_guess_the_present_password(agent_client: Client, agent: User) -> None:
    form = {"present": "wrong", "password": NEW, "repeat": NEW}
    for _ in range(5):
        assert (await post(agent_client, "/profile/password", form)).status_code == 422
    response = await post(agent_client, "/profile/password", {**form, "present": PASSWORD})
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0


async def test_an_api_token_is_shown_once_and_works(agent_client: Client, client: Client, agent: User) -> None:
    response = await post(agent_client, "/profile/tokens", {"token_name": "Nightly <i>report</i>"})
    page = await response.get_data(as_text=True)
    assert response.status_code == 201
    [token] = re.findall(r'value="(mp_[A-Za-z0-9_-]{43})"', page)
    user = await accounts.user_of_api_token(token)
    assert user
    assert user.id == agent.id

    page = await text_of(agent_client)
    assert token not in page
    assert "Nightly &lt;i&gt;report&lt;/i&gt;" in page
    [listed] = await profile.api_tokens(agent)
    assert listed.last_used_at is not None

    assert (await post(agent_client, f"/profile/tokens/{listed.id}/revoke")).status_code == 303
    assert await accounts.user_of_api_token(token) is None
    assert "Nightly" not in await text_of(agent_client)
    denied = await client.get("/api/anything", headers={"Host": HOST, "Authorization": f"Bearer {token}"})
    assert denied.status_code == 401


async def test_a_token_needs_a_name(agent_client: Client, agent: User) -> None:
    response = await post(agent_client, "/profile/tokens", {"token_name": "  "})
    assert response.status_code == 422
    assert 'id="f-token_name-error"' in await response.get_data(as_text=True)
    assert await profile.api_tokens(agent) == []


async def test_tokens_are_stored_as_hashes(agent: User, db: Database) -> None:
    token = await profile.create_api_token(agent, name="script")
    async with db.connection() as conn:
        [row] = await conn.fetch_all("SELECT * FROM api_tokens")
        log = await conn.fetch_all("SELECT detail FROM audit_log")
    assert row["token_hash"] == sha256(token)
    assert token not in repr(row)
    assert token not in repr(log)


@pytest.mark.parametrize("changed", [" ", "\n", "x"])
async def test_a_token_with_something_added_is_another(agent: User, changed: str) -> None:
    token = await profile.create_api_token(agent, name="script")
    assert await accounts.user_of_api_token(token + changed) is None
    assert await accounts.user_of_api_token(token.swapcase()) is None
    assert await accounts.user_of_api_token("") is None


async def test_sessions_are_listed_and_ended_one_by_one_or_all(agent_client: Client, app: Quart, agent: User) -> None:
    browsers = [await log_in(app, agent) for _ in range(3)]
    assert (await text_of(agent_client)).count(">Log out</button>") == 4  # three, and the one in the menu
    listed = await profile.sessions(agent, session="")
    assert [session.is_this_one for session in listed] == [False] * 4

    # The newest of the listed is the last that logged in.
    assert (await post(agent_client, f"/profile/sessions/{listed[0].id}/end")).status_code == 303
    assert [(await get(browser, "/profile")).status_code for browser in browsers] == [200, 200, 303]
    assert (await post(agent_client, "/profile/sessions/end-others")).status_code == 303
    assert [(await get(browser, "/profile")).status_code for browser in browsers] == [303, 303, 303]
    assert "2 other sessions are logged out." in await text_of(agent_client)


async def test_no_agent_reaches_what_is_anothers(app: Quart, agent: User, admin: User, db: Database) -> None:
    other = await accounts.user_by_id(
        await accounts.create_user(email="eve@portal.test", name="Eve Other", role="agent", password=PASSWORD)
    )
    assert other
    await profile.change(other, name="Eve Other", signature="the signature of Eve", timezone="Asia/Tokyo")
    token = await profile.create_api_token(other, name="token of Eve")
    session = await accounts.start_session(other, address="203.0.113.99", user_agent="Firefox/140.0")
    [listed] = await profile.api_tokens(other)
    [live] = await profile.sessions(other, session=session)

    for intruder in (agent, admin):
        client = await log_in(app, intruder)
        page = await text_of(client)
        for secret in ("the signature of Eve", "token of Eve", "203.0.113.99"):
            assert secret not in page
        assert (await post(client, f"/profile/tokens/{listed.id}/revoke")).status_code == 404
        assert (await post(client, f"/profile/sessions/{live.id}/end")).status_code == 404
        assert (await post(client, "/profile/sessions/end-others")).status_code == 303
        await post(client, f"/profile?user_id={other.id}", {"name": "Hacked", "user_id": str(other.id)})
        await post(client, "/profile/password", {"present": PASSWORD, "password": NEW, "repeat": NEW})
        with pytest.raises(NoSuchAccount):
            await profile.revoke_api_token(intruder, listed.id)
        with pytest.raises(NoSuchAccount):
            await profile.end_session(intruder, live.id)

    assert await accounts.user_of_api_token(token)
    assert await accounts.user_of_session(session)
    await login.confirm_password(other, PASSWORD, address="")
    after = await accounts.user_by_id(other.id)
    assert after
    assert (after.name, after.signature) == ("Eve Other", "the signature of Eve")


@pytest.mark.parametrize(
    "path",
    ["", "/password", "/tokens", "/tokens/1/revoke", "/sessions/1/end", "/sessions/end-others"],
)
async def test_every_change_takes_a_login_and_a_form_of_ours(agent_client: Client, client: Client, path: str) -> None:
    assert (await client.post(f"/profile{path}", headers={"Host": HOST})).status_code == 401
    assert (await agent_client.post(f"/profile{path}", headers={"Host": HOST})).status_code == 403
    foreign = await post(agent_client, f"/profile{path}", headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert (await get(agent_client, f"/profile{path}" if path else "/profile/x")).status_code in {404, 405}


async def test_the_token_of_ones_own_earlier_session_does_not_fit_a_form(
    agent_client: Client, app: Quart, agent: User
) -> None:
    earlier = await log_in(app, agent)
    stolen = earlier.csrf_token  # type: ignore[attr-defined]
    response = await agent_client.post("/profile", form={"name": "X", "csrf_token": stolen}, headers={"Host": HOST})
    assert response.status_code == 403


async def test_a_session_that_outlived_its_person_opens_nothing(
    agent_client: Client, agent: User, runtime: Runtime
) -> None:
    async with runtime.database.transaction() as conn:
        await conn.execute("UPDATE users SET disabled_at = created_at WHERE id = %(id)s", {"id": agent.id})
    assert (await get(agent_client, "/tickets")).location.startswith("/login")


async def test_a_person_disabled_in_the_middle_is_out(agent_client: Client, agent: User, admin: User) -> None:
    await administration.disable(by=admin, user_id=agent.id)
    response = await post(agent_client, "/profile", {"name": "Still here"})
    assert response.status_code == 401
    assert "You are logged out" in await response.get_data(as_text=True)
