"""Drafts: what an agent is writing and has not sent. Each agent sees only their own."""

from __future__ import annotations

from collections.abc import Sequence

from app.accounts.models import User
from app.database import Connection
from app.runtime import current
from app.tickets import bodies, rules
from app.tickets import drafts_repository as repository
from app.tickets import repository as tickets
from app.tickets.errors import TicketNotFound, TicketRefused
from app.tickets.models import Draft

MAX_LINE = 16_000
"""Characters of one line of addresses."""
MAX_FILES = 100


async def save(
    ticket_id: int,
    *,
    user: User,
    kind: str,
    body_html: str,
    to: str = "",
    cc: str = "",
    bcc: str = "",
    attachment_ids: Sequence[int] = (),
    track: bool | None = None,
) -> None:
    """Keep a draft; one without text and files is forgotten. The addresses are kept as typed, right or wrong.

    attachment_ids: files of `user` that are stored and not sent. track: the choice of tracking, None for none.

    Raises BodyTooLarge, TicketRefused (a line of addresses too long, a kind that is none) or TicketNotFound.
    """
    rules.check_choice("kind", kind, ("reply", "note"))
    lines = {"to": rules.storable(to), "cc": rules.storable(cc), "bcc": rules.storable(bcc)}
    for field, line in lines.items():
        if len(line) > MAX_LINE:
            raise TicketRefused({field: f"{len(line):,} characters of addresses, at most {MAX_LINE:,} are kept."})
    kept, text = await bodies.cleaned(body_html)
    extra = {"attachments": list(attachment_ids)[:MAX_FILES], "track": track}
    is_empty = bodies.is_empty(kept, text) and not attachment_ids

    async def work(conn: Connection) -> None:
        if await tickets.ticket(conn, ticket_id) is None:
            raise TicketNotFound(f"There is no ticket #{ticket_id}.")
        if is_empty:
            await repository.delete(conn, user_id=user.id, ticket_id=ticket_id)
        else:
            await repository.save(
                conn, user_id=user.id, ticket_id=ticket_id, kind=kind, body_html=kept, **lines, extra=extra
            )

    await current().database.run(work)


async def load(ticket_id: int, *, user: User) -> Draft | None:
    """What `user` was writing on a ticket."""
    async with current().database.connection() as conn:
        return await repository.draft(conn, user_id=user.id, ticket_id=ticket_id)
