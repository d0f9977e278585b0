"""What admins do with accounts, in the browser."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.accounts import admin as administration
from app.accounts import links, repository
from app.accounts import service as accounts
from app.accounts.errors import AccountError
from app.accounts.models import User
from app.crypto import sha256
from app.database import Database, utcnow
from app.runtime import Runtime
from app.services.email import EmailRefused
from app.settings import Settings
from tests.conftest import PASSWORD
from tests.support.web import get, log_in, post

LINK = re.compile(r'value="(http://portal\.test/welcome/[A-Za-z0-9_-]{43})"')


async def link_on(page: str) -> str:
    """The one-time link that a page shows, as a path."""
    found = LINK.findall(page)
    assert len(found) == 1
    return str(found[0]).removeprefix("http://portal.test")


async def audit_actions(db: Database) -> list[tuple[str, str]]:
    """What the log says was done to whom, oldest first; without the users that fixtures add."""
    async with db.connection() as conn:
        rows = await conn.fetch_all("SELECT action, subject FROM audit_log WHERE user_id IS NOT NULL ORDER BY id")
    return [(row["action"], row["subject"]) for row in rows]


@pytest.mark.parametrize("path", ["/admin", "/admin/users", "/admin/users/new", "/admin/users/1", "/admin/audit"])
async def test_admin_pages_are_for_admins(agent_client: Client, client: Client, path: str) -> None:
    assert (await get(agent_client, path)).status_code == 403
    assert (await get(client, path)).status_code == 303


async def test_no_agent_changes_accounts(agent_client: Client, admin: User, agent: User, db: Database) -> None:
    for path in ("", f"/{admin.id}", f"/{admin.id}/disable", f"/{admin.id}/enable", f"/{agent.id}/link"):
        response = await post(agent_client, f"/admin/users{path}", {"email": "x@y.test", "name": "X", "role": "admin"})
        assert response.status_code == 403
    assert await audit_actions(db) == []
    assert (await accounts.user_by_id(admin.id)) == admin


async def test_the_index_leads_to_users_modules_and_the_log(admin_client: Client) -> None:
    page = await (await get(admin_client, "/admin")).get_data(as_text=True)
    for href in ("/admin/users", "/admin/modules", "/admin/audit"):
        assert f'<a href="{href}">' in page


async def test_the_list_shows_state_role_and_last_login(admin_client: Client, agent: User, db: Database) -> None:
    await accounts.create_user(email="ivy@portal.test", name="Ivy <b>Invited</b>", role="agent", password=None)
    async with db.transaction() as conn:
        await repository.disable(conn, agent.id)
    page = await (await get(admin_client, "/admin/users")).get_data(as_text=True)
    rows = dict(re.findall(r'<a href="/admin/users/\d+">(.*?)</a>.*?account-state account-(\w+)', page, re.S))
    assert rows == {"Ada Admin": "active", "Gus Agent": "disabled", "Ivy &lt;b&gt;Invited&lt;/b&gt;": "invited"}
    assert "never" in page


async def test_an_invitation_shows_its_link_once_and_stores_a_hash(admin_client: Client, db: Database) -> None:
    response = await post(admin_client, "/admin/users", {"email": "ivy@portal.test", "name": "Ivy", "role": "agent"})
    page = await response.get_data(as_text=True)
    assert response.status_code == 201
    path = await link_on(page)
    assert "SMTP_HOST is not set" in page
    async with db.connection() as conn:
        [row] = await conn.fetch_all("SELECT l.*, u.id FROM user_tokens AS l JOIN users AS u ON u.id = l.user_id")
    assert row["token_hash"] == sha256(path.removeprefix("/welcome/"))
    assert timedelta(days=6, hours=23) < row["expires_at"] - utcnow() <= timedelta(days=7)
    assert await audit_actions(db) == [("user.invite", f"user:{row['id']}")]
    assert "/welcome/" not in await (await get(admin_client, f"/admin/users/{row['id']}")).get_data(as_text=True)


async def test_a_forged_host_does_not_get_into_the_link(admin_client: Client) -> None:
    form = {"email": "ivy@portal.test", "name": "Ivy", "role": "agent"}
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    page = await (await post(admin_client, "/admin/users", form, headers=headers)).get_data(as_text=True)
    assert await link_on(page)
    assert "evil.example" not in page
    forged = await post(admin_client, "/admin/users", form, headers={"Host": "evil.example"})
    assert forged.status_code == 400


async def test_without_portal_url_nobody_is_invited(admin: User, settings: Settings, runtime: Runtime) -> None:
    bare = Runtime.build(settings.model_copy(update={"portal_url": None}))
    with bare.entered():
        with pytest.raises(AccountError, match="PORTAL_URL"):
            await administration.invite(by=admin, email="ivy@portal.test", name="Ivy", role="agent")
        assert [user.email for user in await accounts.list_users()] == [admin.email]
    await bare.close()


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"email": "nobody", "role": "agent"}, "email", "is not an email address"),
        ({"email": "GUS@portal.test", "role": "agent"}, "email", "There is already a user"),
        ({"email": "ivy@portal.test", "role": "owner"}, "role", "must be one of admin, agent"),
        ({"email": "ivy@portal.test", "role": "agent", "name": "x" * 201}, "name", "at most 200"),
    ],
)
async def test_a_refused_invitation_says_what_is_wrong_where(
    admin_client: Client, agent: User, form: dict[str, str], field: str, words: str
) -> None:
    response = await post(admin_client, "/admin/users", form)
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert "<title>Error: Invite a user" in page
    assert f'id="f-{field}-error"' in page
    assert words in page
    assert len(await accounts.list_users()) == 2


async def test_unknown_fields_of_a_form_change_nothing(admin_client: Client, agent: User) -> None:
    form = {"name": "Gus Agent", "role": "agent", "email": "evil@portal.test", "disabled_at": "1", "id": "1"}
    assert (await post(admin_client, f"/admin/users/{agent.id}", form)).status_code == 303
    assert await accounts.user_by_id(agent.id) == agent


async def test_name_and_role_change_at_once_and_are_logged(
    admin_client: Client, app: Quart, agent: User, db: Database
) -> None:
    gus = await log_in(app, agent)
    response = await post(admin_client, f"/admin/users/{agent.id}", {"name": "Gus Boss", "role": "admin"})
    assert response.status_code == 303
    assert (await get(gus, "/admin/users")).status_code == 200
    assert await audit_actions(db) == [("user.change", f"user:{agent.id}")]
    page = await (await get(admin_client, "/admin/audit")).get_data(as_text=True)
    assert "Gus Agent → Gus Boss" in page
    assert "agent → admin" in page


async def test_saving_without_a_change_is_not_logged(admin_client: Client, agent: User, db: Database) -> None:
    await post(admin_client, f"/admin/users/{agent.id}", {"name": agent.name, "role": agent.role})
    assert await audit_actions(db) == []


async def test_disabling_ends_sessions_tokens_and_links_at_once_and_for_good(
    admin_client: Client, app: Quart, agent: User, admin: User, db: Database
) -> None:
    gus = await log_in(app, agent)
    token = await accounts.create_api_token(agent.email, name="script")
    link = await administration.make_link(by=admin, user_id=agent.id)
    assert (await post(admin_client, f"/admin/users/{agent.id}/disable")).status_code == 303

    assert (await get(gus, "/profile")).status_code == 303
    assert (await post(gus, "/profile", {"name": "Still here"})).status_code == 401
    assert await accounts.user_of_api_token(token) is None
    stranger = app.test_client()
    assert (await get(stranger, link.url.removeprefix("http://portal.test"))).status_code == 404

    assert (await post(admin_client, f"/admin/users/{agent.id}/enable")).status_code == 303
    assert (await get(gus, "/profile")).status_code == 303
    assert await accounts.user_of_api_token(token) is None
    assert (await get(stranger, link.url.removeprefix("http://portal.test"))).status_code == 404
    assert [action for action, _ in await audit_actions(db)] == ["user.offer-reset", "user.disable", "user.enable"]


async def test_nobody_disables_themselves_or_changes_their_own_role(admin_client: Client, admin: User) -> None:
    await accounts.create_user(email="other@portal.test", role="admin", password=PASSWORD)
    refused = await post(admin_client, f"/admin/users/{admin.id}/disable")
    assert refused.status_code == 422
    assert "You cannot disable yourself" in await refused.get_data(as_text=True)
    refused = await post(admin_client, f"/admin/users/{admin.id}", {"name": admin.name, "role": "agent"})
    assert refused.status_code == 422
    after = await accounts.user_by_id(admin.id)
    assert after
    assert (after.role, after.state) == ("admin", "active")


async def test_the_last_active_admin_stays(admin: User, agent: User, db: Database) -> None:
    # An invited admin is none yet, and a disabled one no more.
    await accounts.create_user(email="invited@portal.test", role="admin", password=None)
    gone = await accounts.create_user(email="gone@portal.test", role="admin", password=PASSWORD)
    await administration.disable(by=admin, user_id=gone)
    with pytest.raises(AccountError, match="only active admin"):
        await administration.disable(by=agent, user_id=admin.id)
    with pytest.raises(AccountError, match="only active admin"):
        await administration.change(by=agent, user_id=admin.id, name=admin.name, role="agent")
    assert await accounts.user_by_id(admin.id) == admin


async def test_two_admins_who_disable_each_other_at_once_leave_one(admin: User, db: Database) -> None:
    other = await accounts.user_by_id(
        await accounts.create_user(email="other@portal.test", role="admin", password=PASSWORD)
    )
    assert other
    ended = await asyncio.gather(
        administration.disable(by=admin, user_id=other.id),
        administration.disable(by=other, user_id=admin.id),
        return_exceptions=True,
    )
    assert sum(isinstance(result, AccountError) for result in ended) == 1
    async with db.transaction() as conn:
        assert len(await repository.lock_active_admins(conn)) == 1


async def test_an_account_that_is_not_there_is_a_404(admin_client: Client) -> None:
    assert (await get(admin_client, "/admin/users/999999")).status_code == 404
    for action in ("", "/link", "/disable", "/enable"):
        response = await post(admin_client, f"/admin/users/999999{action}", {"name": "X", "role": "agent"})
        assert response.status_code == 404


async def test_no_link_is_made_for_a_disabled_user(admin_client: Client, agent: User, admin: User) -> None:
    await administration.disable(by=admin, user_id=agent.id)
    response = await post(admin_client, f"/admin/users/{agent.id}/link")
    assert response.status_code == 422
    assert "enable the user first" in await response.get_data(as_text=True)


async def test_a_reset_link_lasts_a_day_and_voids_the_one_before(admin: User, agent: User, db: Database) -> None:
    first = await administration.make_link(by=admin, user_id=agent.id)
    second = await administration.make_link(by=admin, user_id=agent.id)
    assert second.purpose == "reset"
    assert timedelta(hours=23) < second.expires_at - utcnow() <= timedelta(hours=24)
    with pytest.raises(AccountError):
        await links.behind(first.url.rpartition("/")[2])
    assert (await links.behind(second.url.rpartition("/")[2])).user.id == agent.id


async def test_the_log_is_paged_both_ways_and_narrowed_to_one_subject(
    admin_client: Client, admin: User, agent: User
) -> None:
    for number in range(60):
        await administration.change(by=admin, user_id=agent.id, name=f"Gus {number}", role="agent")
    await administration.disable(by=admin, user_id=agent.id)

    first = await (await get(admin_client, "/admin/audit")).get_data(as_text=True)
    assert first.count("<tr><td>") == 50
    assert "Gus 58 → Gus 59" in first
    assert "Gus 0 → Gus 1" not in first
    [older] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = await (await get(admin_client, older)).get_data(as_text=True)
    assert "Gus 0 → Gus 1" in second
    [newer] = re.findall(r'rel="prev" href="([^"]+)"', second)
    again = await (await get(admin_client, newer)).get_data(as_text=True)
    assert "Gus 58 → Gus 59" in again
    assert 'rel="prev"' not in again

    about_ada = await (await get(admin_client, f"/admin/audit?subject=user:{admin.id}")).get_data(as_text=True)
    assert "Gus" not in re.sub(r"<header.*</nav>", "", about_ada, flags=re.S)
    for odd in ("before=x", "after=", "before=999999999999999999999", "subject=%00", "subject=user:1'--"):
        assert (await get(admin_client, f"/admin/audit?{odd}")).status_code == 200


async def test_hostile_words_in_the_log_are_shown_as_words(admin_client: Client, db: Database) -> None:
    async with db.transaction() as conn:
        await conn.execute(
            """
            INSERT INTO audit_log (happened_at, action, subject, detail)
            VALUES (%(now)s, '<script>a</script>', 'module:"><script>b</script>', '{"k": "<script>c</script>"}'),
                   (%(now)s, 'x', 'user:abc', 'not json <script>d</script>')
            """,
            {"now": utcnow()},
        )
    page = await (await get(admin_client, "/admin/audit")).get_data(as_text=True)
    assert not re.search(r"<script>[abcd]", page)
    assert page.count("&lt;script&gt;") >= 4


async def test_with_a_mail_server_the_link_is_mailed_and_nothing_in_it_is_tracked(
    settings: Settings, admin: User, db: Database
) -> None:
    application = create_app(settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": 9}))
    await application.startup()
    client = await log_in(application, admin)
    form = {"email": "ivy@portal.test", "name": "Ivy <Invited>", "role": "agent"}
    page = await (await post(client, "/admin/users", form)).get_data(as_text=True)
    await application.shutdown()

    path = await link_on(page)
    assert "on its way to ivy@portal.test" in page
    async with db.connection() as conn:
        [mail] = await conn.fetch_all("SELECT * FROM outgoing_emails")
        [copy] = await conn.fetch_all("SELECT email, state FROM email_recipients")
    assert copy == {"email": "ivy@portal.test", "state": "queued"}
    assert mail["is_sensitive"]
    assert not mail["enable_tracking"]
    assert f'href="http://portal.test{path}"' in mail["html_body"]
    assert "Ivy &lt;Invited&gt;" in mail["html_body"]


async def test_a_link_that_cannot_be_mailed_is_still_shown(
    settings: Settings, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_text: str) -> None:
        raise EmailRefused("the address is not one that mail can be sent to")

    monkeypatch.setattr("app.services.email.parse_address", refuse)
    application = create_app(settings.model_copy(update={"smtp_host": "127.0.0.1"}))
    await application.startup()
    client = await log_in(application, admin)
    response = await post(client, "/admin/users", {"email": "ivy@portal.test", "name": "Ivy", "role": "agent"})
    await application.shutdown()
    page = await response.get_data(as_text=True)
    assert response.status_code == 201
    assert await link_on(page)
    assert "It could not be mailed: the address is not one" in page
