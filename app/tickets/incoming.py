"""What somebody outside wrote becomes a message of a ticket: the steps, in the caller's transaction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.contacts.service import find_or_create_contact
from app.database import Connection
from app.email.addresses import Address
from app.files import repository as stored_files
from app.live import service as live
from app.notifications import service as notifications
from app.receipts import service as receipts
from app.tickets import attachments_repository, audience, files, followers, opening, repository, search_index, steps
from app.tickets.bodies import Body
from app.tickets.files import Upload

_CID = re.compile(r"""(\bsrc\s*=\s*["']?)cid:([^"'\s>]{1,200})""", re.IGNORECASE)


@dataclass(frozen=True)
class Incoming:
    """A message from outside.

    files: with the Content-ID of each, '' where it has none; an image that the HTML shows is not listed as a file.
    once: where the ticket has a message of this Message-ID, nothing is added. automatic: it came without
    anybody reading ours (a program wrote it, a list passed it on): it is no answer. opens: it waits for us, so the
    ticket opens again. report: it tells of a mail of ours, nobody outside is its author. copies: who else
    the mail went to; they follow the ticket from then on. form: names the form that brought it: the same form with the
    same text adds nothing again.
    """

    sender: Address | None
    body: Body
    message_id: str | None = None
    in_reply_to: str | None = None
    once: bool = False
    automatic: bool = False
    opens: bool = True
    report: bool = False
    files: Sequence[tuple[Upload, str]] = ()
    copies: Sequence[Address] = ()
    form: str | None = None


async def add_to(conn: Connection, ticket_id: int, message: Incoming) -> int:
    """Add a message to a ticket, and return its id; where a person wrote, a ticket that is closed, waits or sleeps is
    open again.

    Raises TicketNotFound.
    """
    sender = None if message.report else message.sender
    answered = None
    if sender is not None and not message.automatic:
        answered = await receipts.answered(
            conn, ticket_id=ticket_id, email=sender.email, in_reply_to=(message.in_reply_to or "").strip() or None
        )
    found = await steps.locked(conn, ticket_id)
    if answered is not None:
        await receipts.refresh(conn, answered)
    if message.once and message.message_id:
        known = await repository.message_of_mail(conn, ticket_id, message.message_id)
        if known is not None:
            return known
    if message.form is not None:
        known = await repository.message_of_form(
            conn, ticket_id=ticket_id, once=message.form, author_user_id=None, body_html=message.body.html
        )
        if known is not None:
            return known
    contact_id = await find_or_create_contact(conn, name=sender.name, email=sender.email) if sender else None
    new_id = await _insert(conn, ticket_id, contact_id, message)
    if message.report or not message.opens:
        await repository.note_activity(conn, ticket_id)
    else:
        await repository.note_message(conn, ticket_id=ticket_id, last_from="customer", snippet=message.body.snippet)
        await steps.apply(conn, found, user=None, status="open", snoozed_until=None)
        told = await audience.concerned(conn, ticket_id)
        await notifications.add(conn, kind="customer", user_ids=told, ticket_id=ticket_id, reply_id=new_id)
    await _finish(conn, ticket_id, new_id, message)
    return new_id


async def open_with(
    conn: Connection,
    message: Incoming,
    *,
    sender: Address,
    subject: str,
    department_id: int | None,
    mailbox_id: int | None = None,
) -> tuple[int, int]:
    """Open a ticket with a message of `sender`; the ids of both. mailbox_id: by which it came. Raises TicketRefused."""
    contact_id = await find_or_create_contact(conn, name=sender.name, email=sender.email)
    ticket_id = await opening.insert_ticket(
        conn, subject, contact_id, "normal", None, department_id, None, mailbox_id=mailbox_id
    )
    message = replace(message, report=False)
    new_id = await _insert(conn, ticket_id, contact_id, message)
    await repository.note_message(conn, ticket_id=ticket_id, last_from="customer", snippet=message.body.snippet)
    await _finish(conn, ticket_id, new_id, message)
    return ticket_id, new_id


async def _insert(conn: Connection, ticket_id: int, contact_id: int | None, message: Incoming) -> int:
    stored: list[int] = []
    images: dict[str, int] = {}
    shown = {found[2].lower() for found in _CID.finditer(message.body.html)}
    for upload, content_id in message.files:
        is_inline = content_id.lower() in shown and files.raster_type(upload.content) is not None
        file_id = await stored_files.insert(
            conn,
            ticket_id=None,
            uploaded_by=None,
            filename=files.clean_filename(upload.filename),
            content_type=files.clean_content_type(upload.content_type),
            content=upload.content,
            is_inline=is_inline,
        )
        stored.append(file_id)
        if is_inline:
            images[content_id.lower()] = file_id
    html = _CID.sub(
        lambda found: (
            f"{found[1]}/attachments/{images[found[2].lower()]}/inline" if found[2].lower() in images else found[0]
        ),
        message.body.html,
    )
    new_id = await repository.insert_message(
        conn,
        ticket_id=ticket_id,
        kind="note" if message.report else "customer",
        author_user_id=None,
        contact_id=contact_id,
        body_html=html,
        body_text=message.body.text,
        is_html=message.body.is_html,
        message_id=message.message_id,
        once=message.form,
    )
    await attachments_repository.claim(conn, attachment_ids=stored, ticket_id=ticket_id, reply_id=new_id)
    return new_id


async def _finish(conn: Connection, ticket_id: int, message_id: int, message: Incoming) -> None:
    await followers.add(conn, ticket_id, message.copies)
    names = (message.sender.name, message.sender.email) if message.sender else ()
    await search_index.add(conn, ticket_id, message.body.text, *names)
    await live.publish(conn, ticket_id=ticket_id, kind="message", reply_id=message_id)
