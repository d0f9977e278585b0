"""A desk with two departments: Lim sees Support only, and everything of Legal has a word in it that gives it away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.accounts.models import User
from app.canned import service as canned
from app.departments import service as departments
from app.inbound import processing, store
from app.runtime import Runtime
from app.tickets import attachments, drafts, service
from app.tickets.files import Upload
from app.views import service as views
from tests.inbound.conftest import mail
from tests.notifications.conftest import first_read, wants
from tests.support.web import log_in

SECRET = "zanzibar"
"""Is in everything of Legal: subject, words, people, files."""
OPEN = "madagascar"
"""Is in everything of Support."""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc33"
    "0000000049454e44ae426082"
)


@dataclass(frozen=True)
class Desk:
    """Who works here, and numbers by what a part of an address is called: of Lim's own things, and of foreign ones."""

    limited: User
    legal: User
    """Limited to Legal."""
    support_id: int
    legal_id: int
    own: Mapping[str, object]
    foreign: Mapping[str, object]


async def make_user(email: str, name: str, *names: str, role: str = "agent") -> User:
    """A user limited to the departments of these names."""
    user = await accounts.user_by_id(
        await accounts.create_user(email=email, name=name, role=role, password=None, departments=names)
    )
    assert user is not None
    return user


async def _ticket(runtime: Runtime, word: str, author: User, department_id: int) -> dict[str, object]:
    """A ticket that a mail opened and that was answered, with files, a note, a draft and a notification."""
    database = runtime.database
    raw = mail(f"{word} asks", sender=f"{word.title()} Person <{word}@example.org>", subject=f"{word} subject")
    stored = await store.receive(runtime, raw, source="pipe", mailbox_id=None, recipient="")
    await processing.run_due(runtime)
    async with database.transaction() as conn:
        row = await conn.fetch_one("SELECT * FROM inbound_mails WHERE id = %(id)s", {"id": stored.id})
        assert row is not None
        ticket_id = int(row["ticket_id"])
        await conn.execute(
            "UPDATE tickets SET department_id = %(department)s WHERE id = %(id)s",
            {"department": department_id, "id": ticket_id},
        )
    sent = await service.add_reply(
        ticket_id,
        author=author,
        html_body=f"<p>{word} answer</p>",
        uploads=[Upload(f"{word}.txt", "text/plain", word.encode())],
        enable_tracking=True,
    )
    assert sent.mail is not None
    await service.add_reply(ticket_id, author=author, html_body=f"<p>{word} note</p>", internal=True)
    await service.change(ticket_id, user=author, add_tags=["shared"])
    image_id = await attachments.store_image(ticket_id, Upload(f"{word}.png", "image/png", PNG), user=author)
    await drafts.save(ticket_id, user=author, kind="reply", body_html=f"<p>{word} draft</p>")
    recipient = sent.mail.recipients[0]
    await first_read(database, recipient.id)
    found = await service.ticket(ticket_id)
    async with database.connection() as conn:
        file_id = await conn.fetch_value(
            "SELECT id FROM attachments WHERE reply_id = %(id)s ORDER BY id LIMIT 1", {"id": sent.id}
        )
        notified = await conn.fetch_value("SELECT MAX(id) FROM notifications")
    return {
        "ticket_id": ticket_id,
        "message_id": int(row["reply_id"]),
        "reply_id": sent.id,
        "recipient_id": recipient.id,
        "attachment_id": int(file_id),
        "image_id": image_id,
        "contact_id": found.contact_id,
        "tracking_id": recipient.tracking_id,
        "mail_id": stored.id,
        "notification_id": int(notified),
        "canned_id": await canned.add(by=author, title=f"{word} saved", body_html=f"<p>{word}</p>", is_shared=False),
        "view_id": await views.save("view=all", user=author, name=f"{word} view", is_shared=False),
    }


@pytest.fixture
async def desk(runtime: Runtime, admin: User) -> Desk:
    """Support and Legal, with a ticket each."""
    support_id = await departments.add(by=admin, name="Support")
    legal_id = await departments.add(by=admin, name="Legal")
    limited = await make_user("lim@portal.test", "Lim Ited", "Support")
    legal = await make_user("leo@portal.test", "Leo Gal", "Legal")
    for one in (limited, legal):
        await wants(one)
    limited, legal = [found for one in (limited, legal) if (found := await accounts.user_by_id(one.id))]
    own = await _ticket(runtime, OPEN, limited, support_id)
    foreign = await _ticket(runtime, SECRET, legal, legal_id)
    return Desk(limited, legal, support_id, legal_id, own, foreign)


@pytest.fixture
async def lim(app: Quart, desk: Desk) -> Client:
    """A browser in which Lim is logged in."""
    return await log_in(app, desk.limited)
