"""The page behind a one-time link."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from app.accounts import admin as administration
from app.accounts import links
from app.accounts import service as accounts
from app.accounts.errors import LinkUnusable
from app.accounts.models import User
from app.database import Database, utcnow
from tests.conftest import PASSWORD
from tests.support.web import HOST, get, log_in

NEW = "four words in a row"


async def invitation(admin: User) -> str:
    """The path of a fresh invitation for Ivy."""
    link = await administration.invite(by=admin, email="ivy@portal.test", name="Ivy", role="agent")
    return link.url.removeprefix("http://portal.test")


async def accept(client: Client, path: str, **form: str) -> Response:
    """Open the page and send it."""
    page = await (await get(client, path)).get_data(as_text=True)
    found = re.findall(r'name="csrf_token" value="([0-9a-f]+)"', page)
    given = {"name": "Ivy Invited", "password": NEW, "repeat": NEW, **form}
    return await client.post(path, form={**given, "csrf_token": found[-1] if found else ""}, headers={"Host": HOST})


async def test_an_invited_user_sets_name_and_password_and_is_logged_in(client: Client, admin: User) -> None:
    response = await accept(client, await invitation(admin))
    assert (response.status_code, response.location) == (303, "/tickets")
    page = await (await get(client, "/profile")).get_data(as_text=True)
    assert "Ivy Invited" in page
    [ivy] = [user for user in await accounts.list_users() if user.email == "ivy@portal.test"]
    assert (ivy.state, ivy.role, ivy.name) == ("active", "agent", "Ivy Invited")


async def test_looking_at_a_link_does_not_use_it_up(client: Client, admin: User) -> None:
    path = await invitation(admin)
    for _ in range(3):
        assert (await get(client, path)).status_code == 200
    assert (await accept(client, path)).status_code == 303


async def test_a_link_works_once(client: Client, app: Quart, admin: User) -> None:
    path = await invitation(admin)
    await accept(client, path)
    other = app.test_client()
    assert (await get(other, path)).status_code == 404
    csrf = re.findall(r'csrf_token" value="(\w+)"', await (await get(other, "/login")).get_data(as_text=True))[0]
    form = {"name": "Mallory", "password": NEW, "repeat": NEW, "csrf_token": csrf}
    replayed = await other.post(path, form=form, headers={"Host": HOST})
    assert replayed.status_code == 404
    assert "used, has expired or was replaced" in await replayed.get_data(as_text=True)


async def test_of_two_who_send_a_link_at_once_one_is_taken(admin: User) -> None:
    token = (await invitation(admin)).removeprefix("/welcome/")
    ended = await asyncio.gather(
        links.accept(token, name="First", password=NEW),
        links.accept(token, name="Second", password=NEW),
        return_exceptions=True,
    )
    assert sum(isinstance(result, LinkUnusable) for result in ended) == 1
    assert sum(isinstance(result, User) for result in ended) == 1


@pytest.mark.parametrize("token", ["x", "x" * 43, "x" * 4000, "%20", "%00", "' OR 1=1 --", "%F0%9F%98%80"])
async def test_a_made_up_link_is_not_there(client: Client, admin: User, token: str) -> None:
    assert (await get(client, f"/welcome/{token}")).status_code == 404


async def test_a_link_with_a_blank_or_other_case_is_another_link(client: Client, admin: User) -> None:
    path = await invitation(admin)
    assert (await get(client, path + "%20")).status_code == 404
    assert (await get(client, path.swapcase().replace("/WELCOME/", "/welcome/"))).status_code == 404


async def test_an_expired_link_says_what_to_do(client: Client, admin: User, db: Database) -> None:
    path = await invitation(admin)
    async with db.transaction() as conn:
        await conn.execute("UPDATE user_tokens SET expires_at = %(at)s", {"at": utcnow() - timedelta(seconds=1)})
    response = await get(client, path)
    assert response.status_code == 404
    assert "Ask an admin of the portal for another" in await response.get_data(as_text=True)


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"password": "short", "repeat": "short"}, "password", "it needs at least 10"),
        ({"password": "Ivy-Invited2026", "repeat": "Ivy-Invited2026"}, "password", "guessed first"),
        ({"password": "ivy@portal.test", "repeat": "ivy@portal.test"}, "password", "guessed first"),
        ({"repeat": "another in a row"}, "repeat", "differ"),
        ({"name": " "}, "name", "is empty"),
    ],
)
async def test_what_will_not_do_is_said_and_the_link_stays_good(
    client: Client, admin: User, form: dict[str, str], field: str, words: str
) -> None:
    path = await invitation(admin)
    response = await accept(client, path, **form)
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert f'id="f-{field}-error"' in page
    assert words in page
    assert form.get("password", NEW) not in re.sub(r"<b>.*?</b>|autocomplete|value=\"ivy@portal.test\"", "", page)
    assert (await accept(client, path)).status_code == 303


async def test_a_reset_ends_the_sessions_that_were_open(app: Quart, admin: User, agent: User) -> None:
    before = await log_in(app, agent)
    link = await administration.make_link(by=admin, user_id=agent.id)
    assert (await get(before, "/profile")).status_code == 200
    fresh = app.test_client()
    response = await accept(fresh, link.url.removeprefix("http://portal.test"), name=agent.name)
    assert response.status_code == 303
    assert (await get(before, "/profile")).status_code == 303
    assert (await get(fresh, "/profile")).status_code == 200


async def test_an_admin_who_opens_a_link_is_told_whose_it_is(admin_client: Client, admin: User) -> None:
    path = await invitation(admin)
    page = await (await get(admin_client, path)).get_data(as_text=True)
    assert "You are logged in as Ada Admin. This link is for ivy@portal.test" in page


async def test_the_page_gives_its_address_to_nobody(client: Client, admin: User) -> None:
    response = await get(client, await invitation(admin))
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"


async def test_the_old_password_is_good_until_a_reset_is_finished(admin: User, agent: User, client: Client) -> None:
    await administration.make_link(by=admin, user_id=agent.id)
    csrf = re.findall(r'csrf_token" value="(\w+)"', await (await get(client, "/login")).get_data(as_text=True))[0]
    form = {"email": agent.email, "password": PASSWORD, "csrf_token": csrf}
    assert (await client.post("/login", form=form, headers={"Host": HOST})).status_code == 303
