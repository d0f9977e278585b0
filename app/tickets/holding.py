"""Undo send: a reply waits some seconds in the outbox, and until then its author takes it back.

It is stored as every reply is, and its copies are due a little later: nothing has to remember to send it. Taking it
back deletes reply and mail while no copy was ever tried, and puts all that was written into the author's draft.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.accounts.models import User
from app.database import Connection
from app.live import service as live
from app.runtime import current
from app.tickets import bodies, composer, drafts_repository, moments, recounting, rules, steps
from app.tickets import holding_repository as repository
from app.tickets import repository as tickets
from app.tickets.errors import TicketNotFound, TicketRefused
from app.tickets.holding_repository import HeldReply, Waiting
from app.tickets.steps import UNCHANGED

_TOO_LATE = "Too late to undo: the mail is on its way to the mail server, or was sent."


async def hold(form: composer.Composer, html: str, *, user: User) -> steps.Hold | None:
    """How long a reply waits that came by this form, and what comes back if it is taken back.

    None where its author sends at once. Raises BodyTooLarge.
    """
    if not user.undo_seconds:
        return None
    kept, _ = await bodies.cleaned(html)
    lines = {name: rules.storable(getattr(form, name)) for name in ("to", "cc", "bcc")}
    return steps.Hold(user.undo_seconds, {**lines, "html": kept, "track": form.track})


async def waiting(conn: Connection, reply_ids: Collection[int]) -> dict[int, Waiting]:
    """Those of these replies that can be taken back now."""
    return await repository.waiting(conn, reply_ids)


async def undo(ticket_id: int, reply_id: int, *, user: User) -> bool:
    """Take a reply back: it is deleted with its mail, the ticket is as before, the text is `user`'s draft again, above
    what they have begun to write since. Whether the ticket has no message now: the reply had opened it.

    Raises TicketNotFound where the ticket has no such reply that waits; TicketRefused where it is another's, or on its
    way.
    """

    async def work(conn: Connection) -> bool:
        held = await _held(conn, ticket_id, reply_id, user)
        if not await repository.lock_untried(conn, reply_id):
            raise TicketRefused({"": _TOO_LATE})
        found = await steps.locked(conn, ticket_id)
        files = await _files(conn, held)
        await repository.withdraw(conn, reply_id)
        await _restore_draft(conn, held, files)
        if held.form.get("status_after") == found.status != held.form.get("status_before"):
            snooze = held.form.get("snoozed_until")
            await steps.apply(
                conn,
                found,
                user=user,
                status=held.form["status_before"],
                snoozed_until=moments.of_stored(snooze) if snooze else UNCHANGED,
            )
        await recounting.recount(conn, ticket_id)
        await live.publish(conn, ticket_id=ticket_id, kind="ticket")
        return not await repository.has_messages(conn, ticket_id)

    return await current().database.run(work)


async def send_now(ticket_id: int, reply_id: int, *, user: User) -> None:
    """Let a reply go out without waiting. Raises as `undo`; one that is on its way already goes on."""

    async def work(conn: Connection) -> None:
        await _held(conn, ticket_id, reply_id, user)
        await repository.make_due(conn, reply_id)

    await current().database.run(work)


async def _held(conn: Connection, ticket_id: int, reply_id: int, user: User) -> HeldReply:
    await steps.ticket(conn, ticket_id)
    held = await repository.held(conn, reply_id)
    if held is None and await tickets.message(conn, ticket_id, reply_id) is not None:
        raise TicketRefused({"": _TOO_LATE})
    if held is None or held.ticket_id != ticket_id:
        words = f"Ticket #{ticket_id} has no reply {reply_id} that waits to be sent; perhaps it was taken back already."
        raise TicketNotFound(words)
    if held.user_id != user.id:
        raise TicketRefused({"": "Only who wrote a reply can take it back."})
    return held


async def _files(conn: Connection, held: HeldReply) -> list[int]:
    """What was attached to it, without the images in its text."""
    rows = await conn.fetch_all(
        "SELECT a.id FROM attachments AS a WHERE a.reply_id = %(id)s AND a.is_inline = 0 ORDER BY a.id",
        {"id": held.reply_id},
    )
    return [int(row["id"]) for row in rows]


async def _restore_draft(conn: Connection, held: HeldReply, files: list[int]) -> None:
    form = held.form
    begun = await drafts_repository.draft(conn, user_id=held.user_id, ticket_id=held.ticket_id)
    extra: dict[str, Any] = {"attachments": [*files, *(begun.attachment_ids if begun else ())], "track": form["track"]}
    await drafts_repository.save(
        conn,
        user_id=held.user_id,
        ticket_id=held.ticket_id,
        kind="reply",
        body_html=form["html"] + (begun.body_html if begun else ""),
        to=form["to"],
        cc=form["cc"],
        bcc=form["bcc"],
        extra=extra,
    )
