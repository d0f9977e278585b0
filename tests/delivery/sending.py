"""Posts what senders made, and looks at what was kept."""

from __future__ import annotations

import secrets
from typing import Any

from quart.typing import TestClientProtocol as Client

from app.database import Database, Row
from tests.delivery.senders import Post, Sender, post
from tests.receipts.builders import MailedReply


async def send(world: Client, slug: str, given: Post) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer."""
    headers = {"Content-Type": given.content_type, **(given.headers or {})}
    answer = await world.post(f"/api/delivery/{slug}", data=given.body, headers=headers)
    return answer.status_code, await answer.get_json()


def bounce(sender: Sender, reply: MailedReply, **changes: str) -> Post:
    """A signed bounce of the reply's first copy."""
    copy = reply.recipients[0]
    values = {"tracking_id": copy.tracking_id, "email": copy.email, "number": secrets.token_hex(6), **changes}
    return sender.sign(post(sender.bounce(values["tracking_id"], values["email"], values["number"])), False)


async def events(database: Database) -> list[Row]:
    """All that was kept, by age."""
    async with database.connection() as conn:
        return await conn.fetch_all("SELECT * FROM delivery_events ORDER BY id")


async def failures(database: Database) -> list[Row]:
    """All that was not taken."""
    async with database.connection() as conn:
        return await conn.fetch_all("SELECT * FROM delivery_failures ORDER BY id")


async def fate(database: Database, reply: MailedReply, place: int = 0) -> str | None:
    """What the badge would be made of."""
    async with database.connection() as conn:
        found = await conn.fetch_value(
            "SELECT fate FROM email_recipients WHERE id = %(id)s", {"id": reply.recipients[place].id}
        )
    return str(found) if found else None
