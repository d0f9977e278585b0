"""A ticket of Bob's with an answer that went out, a note, and an answer to somebody else; the page is switched on."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client
from werkzeug.datastructures import FileStorage

from app.accounts.models import User
from app.customer import switch
from app.customer.links import PATH, TicketLinks
from app.database import Database
from app.runtime import Runtime
from app.tickets import service
from tests.conftest import SECRET_KEY
from tests.support.web import HOST, get

BOB, ANN = "bob@example.org", "ann@example.org"


@dataclass(frozen=True)
class Story:
    """What was said in the ticket."""

    ticket_id: int
    reply_id: int
    """To Bob, Ann in Bcc."""
    elsewhere_id: int
    """To Ann alone."""
    copies: dict[str, int]
    """Of the reply, by address."""

    def path(self, email: str = BOB) -> str:
        """The page of one recipient."""
        return f"{PATH}/{TicketLinks([SECRET_KEY]).token(self.copies[email])}"


async def sent(db: Database, reply_id: int) -> dict[str, int]:
    """Let a reply's copies have gone out; their ids by address."""
    async with db.transaction() as conn:
        await conn.execute(
            """
            UPDATE email_recipients AS p JOIN outgoing_emails AS m ON m.id = p.email_id
               SET p.state = 'sent', p.sent_at = p.created_at WHERE m.reply_id = %(reply)s
            """,
            {"reply": reply_id},
        )
        rows = await conn.fetch_all(
            "SELECT p.id, p.email FROM email_recipients AS p JOIN outgoing_emails AS m ON m.id = p.email_id "
            "WHERE m.reply_id = %(reply)s",
            {"reply": reply_id},
        )
    return {row["email"]: row["id"] for row in rows}


@pytest.fixture
async def story(runtime: Runtime, agent: User) -> Story:
    """The ticket."""
    await switch.turn(True, by=agent)
    ticket_id = await service.create_ticket(
        subject="Printer on fire", requester=f"Bob Builder <{BOB}>", text_body="It burns.", created_by=None
    )
    reply = await service.add_reply(ticket_id, author=agent, html_body="<p>Pull the <b>plug</b>.</p>", to=BOB, bcc=ANN)
    await service.add_reply(ticket_id, author=agent, html_body="<p>He smokes too much.</p>", internal=True)
    elsewhere = await service.add_reply(ticket_id, author=agent, html_body="<p>Ann, call him.</p>", to=ANN)
    copies = await sent(runtime.database, reply.id)
    await sent(runtime.database, elsewhere.id)
    return Story(ticket_id, reply.id, elsewhere.id, copies)


class Visitor:
    """A customer's browser."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._token = ""

    async def get(self, path: str, **options: Any) -> Response:
        """Get an address."""
        return await get(self.client, path, **options)

    async def text(self, path: str) -> str:
        """A page's HTML."""
        html = await (await self.get(path)).get_data(as_text=True)
        self.learn(html)
        return html

    def learn(self, html: str) -> None:
        """Keep the token of a page's forms."""
        found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', html)
        self._token = found[1] if found else self._token

    async def post(self, path: str, form: dict[str, str] | None = None, **options: Any) -> Response:
        """Post a form of the page."""
        fields = {**(form or {}), "csrf_token": self._token}
        return await self.client.post(path, form=fields, headers={"Host": HOST}, **options)

    async def post_file(self, path: str, form: dict[str, str], name: str, content: bytes) -> Response:
        """Post a form of the page with a file in the field `files`."""
        fields = {**form, "csrf_token": self._token}
        files = {"files": FileStorage(io.BytesIO(content), filename=name)}
        return await self.client.post(path, form=fields, files=files, headers={"Host": HOST})

    async def enter(self, path: str, email: str = BOB) -> Response:
        """Open the link and give an address."""
        await self.text(path)
        return await self.post(path, {"email": email})


@pytest.fixture
async def visitor(app: Quart) -> Visitor:
    """A browser of nobody known."""
    return Visitor(app.test_client())
