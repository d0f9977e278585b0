"""The link: who may look, what scanners do, who has to wait, and how it gets into the mail."""

from __future__ import annotations

import hmac
import re

import pytest

from app.accounts.models import User
from app.consent.links import OptOutLinks
from app.crypto import derive
from app.customer import switch
from app.customer.links import PATH, TicketLinks
from app.database import Database
from app.email import building
from app.email.delivery import claim
from app.runtime import Runtime
from app.settings import Settings
from app.tickets import service
from tests.conftest import PORTAL_URL, SECRET_KEY
from tests.customer.conftest import BOB, Story, Visitor


def token_for(visitor: str) -> str:
    """The CSRF token of a visitor's forms."""
    return hmac.digest(derive(SECRET_KEY, "csrf"), visitor.encode(), "sha256").hex()


async def everything(db: Database) -> dict[str, object]:
    """All that a visit could change."""
    tables = ("email_recipients", "tickets", "ticket_replies", "ticket_history", "ticket_page_sessions", "live_events")
    found: dict[str, object] = {}
    async with db.connection() as conn:
        for table in tables:
            found[table] = await conn.fetch_all(f"SELECT * FROM {table}")  # noqa: S608
    return found


@pytest.mark.parametrize("method", ["get", "head", "options"])
async def test_a_scanner_learns_nothing_and_changes_nothing(
    story: Story, visitor: Visitor, db: Database, method: str
) -> None:
    before = await everything(db)
    for _ in range(3):
        response = await getattr(visitor.client, method)(story.path(), headers={"Host": "portal.test"})
        html = await response.get_data(as_text=True)
        assert response.status_code == 200
        for hidden in ("Printer", "It burns", "plug", BOB, "Bob", f"#{story.ticket_id}"):
            assert hidden not in html
    assert await everything(db) == before


async def test_a_scanner_that_presses_buttons_without_the_page_changes_nothing(
    story: Story, visitor: Visitor, db: Database
) -> None:
    before = await everything(db)
    for path in ("", "/answer", "/close", "/reopen", "/leave"):
        form = {"email": BOB, "body_text": "x"}
        response = await visitor.client.post(story.path() + path, form=form, headers={"Host": "portal.test"})
        assert response.status_code == 403
    await visitor.text(story.path())
    for path in ("/answer", "/close", "/reopen"):
        assert (await visitor.post(story.path() + path, {"body_text": "x"})).status_code == 401
    assert await everything(db) == before


async def test_a_wrong_address_is_told_nothing_and_waits_after_some_tries(
    story: Story, visitor: Visitor, db: Database
) -> None:
    said = set()
    for given in ("eve@example.org", "ann@example.org", "no address", "", BOB + "x"):
        response = await visitor.enter(story.path(), given)
        html = await response.get_data(as_text=True)
        assert response.status_code == 422
        found = re.search(r'id="f-email-error">.*?<span>(.*?)</span>', html, re.DOTALL)
        assert found is not None
        said.add(found[1])
    assert len(said) == 1
    waiting = await visitor.enter(story.path(), BOB)
    assert (waiting.status_code, int(waiting.headers["Retry-After"]) > 0) == (429, True)
    assert "Too many wrong addresses" in await waiting.get_data(as_text=True)
    assert (await everything(db))["ticket_page_sessions"] == []

    # Another link waits by itself.
    assert (await visitor.enter(story.path("ann@example.org"), "ann@example.org")).status_code == 303


def test_the_link_is_long_and_tells_nothing_and_is_no_opt_out_link() -> None:
    token = TicketLinks([SECRET_KEY]).token(7)
    assert len(token) >= 26
    assert OptOutLinks([SECRET_KEY]).read(token) is None
    assert TicketLinks([SECRET_KEY]).read(OptOutLinks([SECRET_KEY]).token(7)) is None
    assert TicketLinks(["x" * 32, SECRET_KEY]).read(token) == 7


async def built(runtime: Runtime, reply_id: int) -> dict[str, str]:
    """The copies of a reply as they go out, by address."""
    async with runtime.database.connection() as conn:
        mail_id = await conn.fetch_value("SELECT id FROM outgoing_emails WHERE reply_id = %(id)s", {"id": reply_id})
    mail = await building.load(runtime, mail_id)
    copies = await claim(runtime, owner="test", limit=10, mail_id=mail_id)
    return {copy.email: (await building.prepare(runtime, mail, copy)).data.decode() for copy in copies}


async def test_each_copy_of_a_reply_ends_with_a_link_of_its_own(
    story: Story, runtime: Runtime, agent: User, visitor: Visitor
) -> None:
    reply = await service.add_reply(story.ticket_id, author=agent, html_body="<p>Hi</p>", cc="cy@example.org")
    copies = await built(runtime, reply.id)
    links = {}
    for email, data in copies.items():
        text = data.replace("=\r\n", "").replace("=\n", "")
        found = re.findall(rf"{PORTAL_URL}{PATH}/([0-9]+-[A-Za-z0-9_-]{{24}})", text)
        assert len(found) == 2, "once in the text, once in the HTML"
        links[email] = found[0]
    assert len(set(links.values())) == 2
    assert (await visitor.get(f"{PATH}/{links[BOB]}")).status_code == 200


async def test_without_the_switch_no_mail_carries_it(story: Story, runtime: Runtime, agent: User) -> None:
    await switch.turn(False, by=agent)
    reply = await service.add_reply(story.ticket_id, author=agent, html_body="<p>Hi</p>")
    assert PATH not in (await built(runtime, reply.id))[BOB]


async def test_a_quote_that_comes_back_opens_nothing(story: Story) -> None:
    quoted = f'<p>Thanks</p><blockquote><a href="{PORTAL_URL}{story.path()}">Read</a></blockquote>'
    message_id = await service.add_customer_message(story.ticket_id, email=BOB, html_body=quoted)
    kept = (await service.message(story.ticket_id, message_id)).body_html
    assert f"{PORTAL_URL}{PATH}/removed" in kept


async def test_an_erased_reader_and_a_ticket_that_is_gone_have_no_page(
    story: Story, visitor: Visitor, db: Database
) -> None:
    await visitor.enter(story.path())
    async with db.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET erased_at = created_at, email = 'erased-1@invalid'")
    assert (await visitor.get(story.path())).status_code == 404


async def test_over_tls_the_cookie_is_bound_to_the_host(
    story: Story, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await visitor.text(story.path())
    monkeypatch.setattr(Settings, "is_https", True)
    visitor.client.set_cookie("portal.test", "__Host-myportal-visitor", "a-visitor")
    answer = await visitor.client.post(
        story.path(), form={"email": BOB, "csrf_token": token_for("a-visitor")}, headers={"Host": "portal.test"}
    )
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if "myportal-ticket" in one)
    assert cookie.startswith("__Host-myportal-ticket-")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in cookie
