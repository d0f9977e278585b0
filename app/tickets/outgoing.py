"""A reply on its way out: its recipients, its place in the thread, and the mail that carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from app.accounts.models import User
from app.consent import service as consent
from app.database import Connection
from app.email import service as email
from app.email.addresses import Address, Recipients, make_address, parse_address, parse_address_list, unique_recipients
from app.email.errors import EmailRefused, RecipientsSuppressed
from app.email.models import NewMail
from app.email.reply_tokens import ReplyTokens
from app.hookspecs import QueuedMail
from app.inbound import mailbox_repository as mailboxes
from app.runtime import current
from app.suppressions import rules as suppression_rules
from app.suppressions import service as suppressions
from app.suppressions.models import Suppression
from app.tickets import followers, repository, rules
from app.tickets.bodies import Body
from app.tickets.errors import TicketRefused, sentence
from app.tickets.models import Ticket

MAX_COPIES = 400
"""Cc addresses that an answer takes over; a mail takes 500 recipients."""
ASK = "Ask an admin to let it get mail again."

Addresses = str | Sequence[str] | None


@dataclass(frozen=True)
class SuppressedAddress:
    """An address in a form to which nothing would be sent."""

    field: str
    """'to', 'cc', 'bcc' or 'requester'."""
    email: str
    words: str
    """What follows the address in the sentence that says why."""
    id: int
    """Of the line in the list of suppressed addresses; 0 where the viewer may not open it."""


def parse_recipients(to: Addresses, cc: Addresses, bcc: Addresses, *, default: Address | None = None) -> Recipients:
    """Check who gets a reply; `default` gets it where `to` is None.

    Raises TicketRefused with what is wrong in each of `to`, `cc` and `bcc`.
    """
    parsed: dict[str, list[Address]] = {}
    errors: dict[str, str] = {}
    for field, given in (("to", to), ("cc", cc), ("bcc", bcc)):
        try:
            parsed[field] = parse_address_list(given)
        except EmailRefused as error:
            errors[field] = sentence(error)
    if errors:
        raise TicketRefused(errors)
    if to is None and default is not None:
        parsed["to"] = [default]
    if not parsed["to"]:
        raise TicketRefused({"to": "The reply has no recipient; write at least one address into To."})
    try:
        return unique_recipients(parsed["to"], parsed["cc"], parsed["bcc"])
    except EmailRefused as error:
        raise TicketRefused({"to": sentence(error)}) from None


def parse_requester(text: str) -> Address:
    """The address for which a ticket is opened: "bob@example.org" or "Bob <bob@example.org>"."""
    try:
        return parse_address(text.strip())
    except EmailRefused as error:
        raise TicketRefused({"requester": sentence(error)}) from None


def address_of(name: str, email_address: str) -> Address:
    """An address from the database; the name is left out where no mail header could carry it."""
    try:
        return make_address(name, email_address)
    except EmailRefused:
        return make_address("", email_address)


async def answer_lines(conn: Connection, ticket: Ticket) -> tuple[str, str]:
    """To and Cc of an answer to all: who wrote last, then the ticket's contact and who had our last reply as a copy."""
    contact = address_of(ticket.contact_name, ticket.contact_email)
    writer = await repository.last_writer(conn, ticket.id)
    to = address_of(*writer) if writer else contact
    copies = await repository.copies_of(conn, ticket.last_reply_id, "cc") if ticket.last_reply_id else []
    copies += await followers.of_ticket(conn, ticket.id)
    others = unique_recipients([to], [contact, *(address_of(*copy) for copy in copies[:MAX_COPIES])])
    return str(to), ", ".join(str(one) for one in others.cc)


async def tracks(wanted: bool | None, recipients: Recipients, *, department_id: int | None) -> bool:
    """Whether a reply is tracked: as wanted, or, where nothing was said, when contacts, department and modules want
    it for one of its readers."""
    if wanted is not None:
        return wanted
    return (await consent.outlook(readers(recipients), department_id=department_id)).is_default


def readers(recipients: Recipients) -> list[str]:
    """The addresses whose reading counts; who gets a hidden copy only where nobody else gets one."""
    return [one.email for one in (*recipients.to, *recipients.cc)] or [one.email for one in recipients.bcc]


def readers_of_lines(to: str, cc: str) -> list[str]:
    """The same of what is typed into To and Cc so far, as far as it can be read."""
    found: list[str] = []
    for line in (to, cc):
        with suppress(EmailRefused):
            found += [one.email for one in parse_address_list(line)]
    return list(dict.fromkeys(found))[:MAX_COPIES]


async def signature(author: User, department_id: int | None) -> str:
    """What stands below a reply: the author's own words, or else those of the department's mailbox."""
    if author.signature.strip() or department_id is None:
        return author.signature
    async with current().database.connection() as conn:
        return await mailboxes.signature_of_department(conn, department_id)


async def enqueue(
    conn: Connection,
    *,
    ticket: Ticket,
    author: User,
    reply_id: int,
    body: Body,
    recipients: Recipients,
    attachment_ids: Sequence[int],
    enable_tracking: bool,
    tracking_said: bool,
    first: bool,
    wait: int = 0,
) -> QueuedMail:
    """Put a stored reply into the outbox, in the caller's transaction. wait: seconds before the first try.

    Raises TicketRefused where the mail cannot be built from what was given.
    """
    in_reply_to, references = rules.thread(await repository.message_ids(conn, ticket.id))
    settings = current().settings
    sender = address_of(author.name, parse_address(settings.sender).email)
    answers_to = await mailboxes.address_of_department(conn, ticket.department_id) or sender.email
    if settings.inbound_reply_addresses:
        reply_to: str | None = ReplyTokens(settings.keys).address(reply_id, answers_to)
    else:
        reply_to = answers_to if answers_to != sender.email else None
    try:
        return await email.enqueue(
            conn,
            NewMail(
                subject=rules.mail_subject(ticket.subject, ticket.id, first=first),
                to=recipients.to,
                cc=recipients.cc,
                bcc=recipients.bcc,
                html_body=body.html,
                text_body=body.text,
                reply_id=reply_id,
                sender=str(sender),
                reply_to=reply_to,
                in_reply_to=in_reply_to or None,
                references=references,
                enable_tracking=enable_tracking,
                tracking_said=tracking_said,
                attachment_ids=tuple(attachment_ids),
                wait=wait,
            ),
        )
    except RecipientsSuppressed as error:
        raise TicketRefused(_by_field(error.words, recipients, first=first)) from None
    except EmailRefused as error:
        raise TicketRefused({"": sentence(error)}) from None


def _by_field(words: Mapping[str, str], recipients: Recipients, *, first: bool) -> dict[str, str]:
    """What speaks against addresses, by the field in which they stand."""
    fields = (("requester" if first else "to", recipients.to), ("cc", recipients.cc), ("bcc", recipients.bcc))
    return {
        field: " ".join(words[one.email] for one in addresses if one.email in words)
        for field, addresses in fields
        if any(one.email in words for one in addresses)
    }


async def suppressed_in_lines(lines: Mapping[str, str]) -> list[SuppressedAddress]:
    """Which addresses get no mail of what is typed into some fields so far, as far as it can be read."""
    typed: dict[str, list[str]] = {}
    for field, line in lines.items():
        with suppress(EmailRefused):
            typed[field] = [one.email for one in parse_address_list(line)][:MAX_COPIES]
    async with current().database.connection() as conn:
        found = await suppressions.find(conn, [email for emails in typed.values() for email in emails])
        open_to = {email: await suppressions.within_reach(conn, one) for email, one in found.items()}

    def shown(field: str, email: str, one: Suppression) -> SuppressedAddress:
        words = f"gets no mail: {suppression_rules.why(one)}."
        if open_to[email]:
            return SuppressedAddress(field, email, words, one.id)
        return SuppressedAddress(field, email, f"{words} {ASK}", 0)

    return [
        shown(field, email, found[email])
        for field, emails in typed.items()
        for email in dict.fromkeys(emails)
        if email in found
    ]
