"""A ticket of Gus's whose reply has gone out to two customers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from app.accounts import profile
from app.accounts.models import User
from app.database import Database, utcnow
from app.services import notifications
from tests.receipts.builders import MailedReply, mailed_reply, set_copy

BOB = "bob@example.org"
MakeReply = Callable[..., Awaitable[MailedReply]]


async def wants(user: User, *, reads: bool = True, by_email: bool = False) -> None:
    """Let a user choose whether to be told of reads, and of nothing else."""
    await profile.change_notifications(user, {"read": ("email" if by_email else "portal") if reads else "off"})


async def first_read(database: Database, *recipient_ids: int) -> None:
    """What the receipts do when a copy becomes read."""
    for one in recipient_ids:
        await set_copy(database, one, seen="read", seen_at=utcnow())
    async with database.transaction() as conn:
        await notifications.first_read(conn, recipient_ids)


@pytest.fixture
def make_reply(db: Database, agent: User) -> MakeReply:
    """Makes a reply that Gus wrote, to Bob Miller; of a ticket with the given assignee."""

    async def make(
        *addresses: str, author: User | None = agent, assignee: User | None = None, subject: str = "Printer on fire"
    ) -> MailedReply:
        made = await mailed_reply(db, *(addresses or (BOB,)))
        values = {
            "author": author.id if author else None,
            "assignee": assignee.id if assignee else None,
            "reply": made.reply_id,
            "ticket": made.ticket_id,
            "subject": subject,
        }
        async with db.transaction() as conn:
            await conn.execute("UPDATE ticket_replies SET author_user_id = %(author)s WHERE id = %(reply)s", values)
            ticket = "UPDATE tickets SET assignee_id = %(assignee)s, subject = %(subject)s WHERE id = %(ticket)s"
            await conn.execute(ticket, values)
        for recipient in made.recipients:
            if recipient.email == BOB:
                await set_copy(db, recipient.id, name="Bob Miller")
        return made

    return make
