"""Tickets: opening, answering, changing, reading. What writes is one transaction each, repeated on a deadlock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.accounts.models import User
from app.contacts.service import find_or_create_contact
from app.database import Connection, utcnow
from app.email import service as mail
from app.email.addresses import Recipients
from app.live import service as live
from app.runtime import current
from app.tags import repository as tagging
from app.tickets import (
    access,
    attachments,
    attachments_repository,
    bodies,
    files,
    incoming,
    moments,
    opening,
    outgoing,
    repository,
    rules,
    search_index,
    steps,
)
from app.tickets.errors import TicketNotFound, TicketRefused
from app.tickets.files import Upload
from app.tickets.incoming import Incoming
from app.tickets.models import Change, Conversation, Message, SentReply, Ticket
from app.tickets.outgoing import Addresses
from app.tickets.steps import UNCHANGED, Unchanged

PAGE = 50
"""Messages shown at once."""
HISTORY = 200
"""Lines of history shown at most."""


async def ticket(ticket_id: int) -> Ticket:
    """One ticket with its tags. Raises TicketNotFound."""
    async with current().database.connection() as conn:
        found = await steps.ticket(conn, ticket_id)
        tagged = await tagging.of_tickets(conn, [ticket_id])
    return replace(found, tags=tagged.get(ticket_id, ()))


async def conversation(ticket_id: int, *, before: int | None = None, limit: int = PAGE) -> Conversation:
    """The newest messages of a ticket, or the newest before message `before`, and what was changed in the ticket.

    Raises TicketNotFound where it is not to be seen.
    """
    async with current().database.connection() as conn:
        await steps.ticket(conn, ticket_id)
        messages = (await repository.messages(conn, ticket_id, before=before, limit=limit))[::-1]
        earlier = await repository.count_before(conn, ticket_id, messages[0].id) if len(messages) == limit else 0
        history = await repository.changes(conn, ticket_id, limit=HISTORY)
        found = await attachments_repository.of_messages(conn, [message.id for message in messages])
    return Conversation(
        messages=tuple(messages),
        history=tuple(history),
        attachments={one.id: tuple(file for file in found if file.reply_id == one.id) for one in messages},
        earlier=earlier,
        later=before is not None,
    )


async def message(ticket_id: int, message_id: int) -> Message:
    """One message. Raises TicketNotFound where the ticket has none such, or is not to be seen."""
    async with current().database.connection() as conn:
        await steps.ticket(conn, ticket_id)
        found = await repository.message(conn, ticket_id, message_id)
    if found is None:
        raise TicketNotFound(f"Ticket #{ticket_id} has no message {message_id}.")
    return found


async def create_ticket(
    *,
    subject: str,
    requester: str,
    html_body: str | None = None,
    text_body: str | None = None,
    priority: str = "normal",
    assignee_id: int | None = None,
    department_id: int | None = None,
    created_by: User | None,
    attachment_ids: Sequence[int] = (),
    uploads: Sequence[Upload] = (),
    tags: Sequence[str] = (),
    due_at: datetime | None = None,
) -> int:
    """Open a ticket with a message of its customer, and return its id. Nothing is mailed.

    Where assignee_id is None, the assignment rules choose. due_at: with a time zone.

    requester: "bob@example.org" or "Bob <bob@example.org>"; the contact is found by the address, or made.
    created_by: the agent who wrote it down for the customer; None where the customer wrote themselves.
    attachment_ids, uploads: files of `created_by`, as `add_reply` takes them; none without an agent.
    Raises TicketRefused naming each field that does not hold.
    """
    subject = rules.check_subject(subject)
    address = outgoing.parse_requester(requester)
    department_id = access.home(department_id)
    rules.check_choice("priority", priority, tuple(rules.PRIORITIES))
    names, _ = rules.retag(tags, ())
    due = moments.check_due(due_at) if due_at is not None else None
    body = await bodies.from_customer(html_body, text_body)

    async def work(conn: Connection) -> int:
        contact_id = await find_or_create_contact(conn, name=address.name, email=address.email)
        ticket_id = await opening.insert_ticket(
            conn, subject, contact_id, priority, assignee_id, department_id, created_by, tags=names, due_at=due
        )
        message_id = await repository.insert_message(
            conn,
            ticket_id=ticket_id,
            kind="customer",
            author_user_id=created_by.id if created_by else None,
            contact_id=contact_id,
            body_html=body.html,
            body_text=body.text,
            is_html=body.is_html,
        )
        if created_by is not None:
            await attachments.attach(
                conn,
                ticket_id=ticket_id,
                reply_id=message_id,
                user=created_by,
                attachment_ids=attachment_ids,
                uploads=uploads,
                html="",
            )
        if names:
            await tagging.put(conn, ticket_id, (await tagging.ensure(conn, names)).values())
        await repository.note_message(conn, ticket_id=ticket_id, last_from="customer", snippet=body.snippet)
        await search_index.add(conn, ticket_id, body.text)
        await live.publish(conn, ticket_id=ticket_id, kind="message", reply_id=message_id)
        return ticket_id

    return await current().database.run(work)


async def open_ticket(
    *,
    subject: str,
    requester: str,
    author: User,
    html_body: str,
    priority: str = "normal",
    assignee_id: int | None = None,
    department_id: int | None = None,
    enable_tracking: bool | None = None,
    attachment_ids: Sequence[int] = (),
    uploads: Sequence[Upload] = (),
    hold: steps.Hold | None = None,
    due_at: datetime | None = None,
) -> tuple[int, SentReply]:
    """Open a ticket with a mail of ours to the contact; its id and the reply that opens it.

    enable_tracking, hold: as for `add_reply`. due_at: with a time zone.
    Raises TicketRefused naming each field that does not hold, AuthorRefused where `author` was disabled.
    """
    subject = rules.check_subject(subject)
    address = outgoing.parse_requester(requester)
    department_id = access.home(department_id)
    rules.check_choice("priority", priority, tuple(rules.PRIORITIES))
    due = moments.check_due(due_at) if due_at is not None else None
    body = await bodies.from_agent(html_body, signature=await outgoing.signature(author, department_id))
    recipients = Recipients((address,), (), ())
    tracking = await outgoing.tracks(enable_tracking, recipients, department_id=department_id)
    said = enable_tracking is not None
    reply = steps.Reply(author, body, recipients, tracking, said, attachment_ids, uploads, first=True, hold=hold)

    async def work(conn: Connection) -> tuple[int, SentReply]:
        contact_id = await find_or_create_contact(conn, name=address.name, email=address.email)
        ticket_id = await opening.insert_ticket(
            conn, subject, contact_id, priority, assignee_id, department_id, author, due_at=due
        )
        return ticket_id, await steps.store_reply(conn, await steps.ticket(conn, ticket_id), reply)

    ticket_id, sent = await current().database.run(work)
    await _announce(sent)
    return ticket_id, sent


async def add_reply(
    ticket_id: int,
    *,
    author: User,
    html_body: str,
    to: Addresses = None,
    cc: Addresses = None,
    bcc: Addresses = None,
    internal: bool = False,
    enable_tracking: bool | None = None,
    attachment_ids: Sequence[int] = (),
    uploads: Sequence[Upload] = (),
    then_status: str | None = None,
    once: str | None = None,
    seen: int | None = None,
    hold: steps.Hold | None = None,
) -> SentReply:
    """Store an agent's reply and put its mail into the outbox, both or neither; or store an internal note.

    to: None sends to the ticket's contact. enable_tracking: None tracks as contacts, department and
    modules want it; a contact who refused is never tracked.
    attachment_ids: files that `author` stored before; uploads: files to store with it.
    then_status: the ticket's status after it; None leaves the status.
    once: names the form that brings it: the same form with the same text, sent again because its answer was lost or
    by a double click, gives the first reply and sends nothing.
    seen: the id of the newest message that the author saw: a reply that crosses what somebody else wrote since is
    refused with ReplyCrossed, at the field `body`; None sends in any case, as notes always do.
    hold: how long its mail waits, so that it can be taken back; None sends at once.
    Raises TicketNotFound; AuthorRefused where `author` was disabled meanwhile; TicketRefused with the fields `to`,
    `cc`, `bcc`, `body` (BodyTooLarge with the numbers), `files` or `status` that do not hold. Then nothing is stored.
    """
    if then_status is not None:
        rules.check_choice("status", then_status, tuple(rules.STATUSES))
    known = await ticket(ticket_id)
    default = outgoing.address_of(known.contact_name, known.contact_email)
    recipients = None if internal else outgoing.parse_recipients(to, cc, bcc, default=default)
    body = await bodies.from_agent(
        html_body, signature="" if internal else await outgoing.signature(author, known.department_id)
    )
    tracking = recipients is not None and await outgoing.tracks(
        enable_tracking, recipients, department_id=known.department_id
    )
    said = enable_tracking is not None
    reply = steps.Reply(
        author,
        body,
        recipients,
        tracking,
        said,
        attachment_ids,
        uploads,
        once=rules.form_name(once),
        seen=seen,
        hold=hold,
        then_status=then_status,
    )

    async def work(conn: Connection) -> SentReply:
        return await steps.store_reply(conn, await steps.locked(conn, ticket_id), reply)

    sent = await current().database.run(work)
    await _announce(sent)
    return sent


async def add_customer_message(
    ticket_id: int,
    *,
    email: str,
    html_body: str | None = None,
    text_body: str | None = None,
    message_id: str | None = None,
    in_reply_to: str | None = None,
    automatic: bool = False,
    uploads: Sequence[Upload] = (),
    once: str | None = None,
) -> int:
    """Add what a customer wrote, and return its id; a ticket that is closed or waits for them is open again, unless a
    program wrote it.

    email: who wrote, "bob@example.org" or "Bob <bob@example.org>"; found by the address, or made a contact.
    message_id: the Message-ID of their mail; a mail that the ticket has already is not added twice.
    in_reply_to: the Message-ID that their mail answers; where it is not one of the ticket's mails, the newest reply
    that went out to them counts as answered. automatic: a program wrote it (an absence note, a receipt): it is added
    all the same, and does not count as an answer, since nobody need have read anything. once: as for `add_reply`.
    Raises TicketNotFound; TicketRefused with the fields `body` (BodyTooLarge with the numbers) or `files`.
    """
    files.check_files([(upload.filename, len(upload.content)) for upload in uploads])
    address = outgoing.parse_requester(email)
    message = Incoming(
        sender=address,
        body=await bodies.from_customer(html_body, text_body),
        message_id=rules.usable_message_id(message_id),
        in_reply_to=in_reply_to,
        automatic=automatic,
        opens=not automatic,
        once=True,
        files=[(upload, "") for upload in uploads],
        form=rules.form_name(once),
    )
    return await current().database.run(lambda conn: incoming.add_to(conn, ticket_id, message))


async def answer_by_mail(
    *,
    email: str,
    in_reply_to: str,
    html_body: str | None = None,
    text_body: str | None = None,
    message_id: str | None = None,
    automatic: bool = False,
) -> int:
    """Add a customer's answer to one of our mails to the ticket that the mail belongs to; the new message's id.

    in_reply_to: the Message-ID of our mail. automatic: as for `add_customer_message`. Raises TicketNotFound where no
    ticket sent it; TicketRefused where `email` is neither a recipient of that mail nor the ticket's contact: knowing
    an id must not be enough to join in.
    """
    address = outgoing.parse_requester(email)
    found = await mail.reply_of_message(in_reply_to.strip())
    if found is None:
        raise TicketNotFound(f"No ticket sent a mail with the Message-ID {in_reply_to[:200]!r}.")
    ticket_id, _ = found
    async with current().database.connection() as conn:
        if not await repository.takes_part(conn, ticket_id=ticket_id, email=address.email):
            raise TicketRefused({"email": f"{address.email} takes no part in ticket #{ticket_id}; nothing was added."})
    return await add_customer_message(
        ticket_id,
        email=email,
        html_body=html_body,
        text_body=text_body,
        message_id=message_id,
        in_reply_to=in_reply_to,
        automatic=automatic,
    )


async def change(
    ticket_id: int,
    *,
    user: User,
    status: str | None = None,
    priority: str | None = None,
    assignee_id: int | Unchanged | None = UNCHANGED,
    department_id: int | Unchanged | None = UNCHANGED,
    due_at: datetime | Unchanged | None = UNCHANGED,
    snoozed_until: datetime | Unchanged | None = UNCHANGED,
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
) -> tuple[Change, ...]:
    """Set what is given and return what changed by it; each change is in the history.

    assignee_id: None takes the ticket from whoever has it; department_id likewise. due_at, snoozed_until: with a time
    zone; None takes the due date, or the snooze, away. Raises TicketNotFound, or TicketRefused for a status or priority
    that is none, an assignee who cannot have tickets, a department that is gone, tags that do not hold, a due date
    or a snooze out of range, or a snooze of a closed ticket.
    """
    if isinstance(due_at, datetime):
        due_at = moments.check_due(due_at)
    if isinstance(snoozed_until, datetime):
        snoozed_until = moments.check_snooze(snoozed_until, utcnow())
    retag = rules.retag(add_tags, remove_tags)
    if status is not None:
        rules.check_choice("status", status, tuple(rules.STATUSES))
    if priority is not None:
        rules.check_choice("priority", priority, tuple(rules.PRIORITIES))

    async def work(conn: Connection) -> tuple[Change, ...]:
        found = await steps.locked(conn, ticket_id)
        if isinstance(snoozed_until, datetime) and (status or found.status) == "closed":
            raise TicketRefused({"snooze": f"Ticket #{ticket_id} is closed; reopen it before it is snoozed."})
        return await steps.apply(
            conn,
            found,
            user=user,
            status=status,
            priority=priority,
            assignee_id=assignee_id,
            department_id=department_id,
            due_at=due_at,
            snoozed_until=snoozed_until,
            retag=steps.Retag(*retag),
        )

    return await current().database.run(work)


async def _announce(sent: SentReply) -> None:
    if sent.mail is not None:
        await mail.announce(sent.mail)
