"""A mail that was read becomes a message, a new ticket, or is set aside: settled in one transaction with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.database import Connection, utcnow
from app.departments import repository as departments
from app.email import mailings
from app.email import repository as sent_mails
from app.email.addresses import Address, parse_address
from app.email.reply_tokens import ReplyTokens
from app.hookspecs import Arrived
from app.inbound import contents, repository, storms, threads
from app.inbound import mailbox_repository as mailboxes
from app.inbound.errors import Unreadable
from app.inbound.models import KINDS, NOT_WRITTEN, REPORTS, DueMail, ParsedMail
from app.inbound.threads import Place
from app.runtime import Runtime
from app.tickets import incoming, rules
from app.tickets import repository as tickets
from app.tickets.incoming import Incoming


@dataclass(frozen=True)
class _Work:
    """What the transaction needs of a mail."""

    due: DueMail
    owner: str
    mail: ParsedMail
    message: Incoming
    notes: Sequence[str]
    subject: str
    key: bytes | None


async def take(runtime: Runtime, due: DueMail, mail: ParsedMail, *, owner: str) -> None:
    """Settle a claimed mail that was read.

    Raises Unreadable where its sender cannot be told, TicketRefused where a ticket does not take it.
    """
    tokens = ReplyTokens(runtime.settings.keys)
    async with runtime.database.connection() as conn:
        own = await _own_addresses(conn, runtime)
        is_loop = await _is_loop(conn, mail, tokens, own)
    if is_loop:
        reason = "This is our own mail that came back; nothing was added, and nothing answers it."
        await _settle(runtime, due, mail, owner, state="processed", kind="loop", reason=reason)
        return
    sender = mail.sender
    if sender is None and mail.kind not in REPORTS:
        raise Unreadable(f"The From header does not name one address: {mail.sender_line[:200] or 'it is empty'}")
    if not due.released and due.attempts == 1:
        held = await storms.check(runtime, mail, sender.email if sender else "mail servers")
        if held:
            await _settle(runtime, due, mail, owner, state="quarantined", kind=mail.kind, reason=held)
            return
    body, body_notes = await contents.body_of(mail)
    files, file_notes = contents.files_of(mail)
    is_written = mail.kind not in NOT_WRITTEN
    message = Incoming(
        sender=sender,
        body=body,
        message_id=rules.usable_message_id(mail.message_id),
        automatic=not is_written,
        # What a list passes on, a person wrote.
        opens=is_written or mail.kind == "list",
        report=mail.kind in REPORTS,
        files=files,
        copies=_copies(mail, own, tokens) if is_written else (),
    )
    notes = (*mail.notes, *body_notes, *file_notes)
    work = _Work(due, owner, mail, message, notes, contents.subject_of(mail), _key(mail))
    await runtime.database.run(lambda conn: _store(conn, runtime, work))


async def note_taken(runtime: Runtime, due: DueMail, mail: ParsedMail, taken: Arrived, *, owner: str) -> None:
    """Settle a claimed mail that a module took: nothing is added to a ticket."""
    await _settle(
        runtime,
        due,
        mail,
        owner,
        state="processed",
        kind=mail.kind,
        reason=taken.words.strip(),
        ticket_id=taken.ticket_id,
    )


async def _store(conn: Connection, runtime: Runtime, work: _Work) -> None:
    if not await repository.lock_claimed(conn, work.due.id, work.owner):
        return
    same = await repository.same_mail(conn, work.key) if work.key else None
    if same is not None:
        reason = "The same mail came before, by another way."
        await _finish(conn, work, state="processed", reason=reason, ticket_id=same[0])
        return
    tokens = ReplyTokens(runtime.settings.keys)
    place = await threads.find(conn, work.mail, tokens, recipient=work.due.recipient)
    place = await _unless_long_closed(conn, runtime, place)
    if place.ticket_id is not None:
        message = _answering(work.message, place)
        reply_id = await incoming.add_to(conn, place.ticket_id, message)
        await _finish(conn, work, state="processed", ticket_id=place.ticket_id, reply_id=reply_id, mail_key=work.key)
        return
    if work.mail.kind in REPORTS or work.mail.kind == "auto_reply" or work.mail.sender is None:
        named = f"names a mail of #{place.supposed}, but none of its recipients" if place.supposed else ""
        reason = f"{KINDS[work.mail.kind]} that {named or 'belongs to no ticket'}; nothing was added."
        await _finish(
            conn, work, state="processed", reason=reason, supposed_ticket_id=place.supposed, mail_key=work.key
        )
        return
    mailbox_id, department_id = await _destination(conn, work)
    ticket_id, reply_id = await incoming.open_with(
        conn,
        work.message,
        sender=work.mail.sender,
        subject=work.subject,
        department_id=department_id,
        mailbox_id=mailbox_id,
    )
    await _note_mailing(conn, work, ticket_id, sender=work.mail.sender)
    await _finish(
        conn,
        work,
        state="processed",
        ticket_id=ticket_id,
        reply_id=reply_id,
        supposed_ticket_id=place.supposed,
        mail_key=work.key,
    )


async def _note_mailing(conn: Connection, work: _Work, ticket_id: int, *, sender: Address) -> None:
    """Say in the new ticket which mailing it answers, where it does."""
    ids = threads.answered_ids(work.mail)
    found = await mailings.of_message(conn, ids)
    if found is None:
        return
    mailing, subject = found
    await mailings.note_answer(conn, mailing, ticket_id=ticket_id, email=sender.email, message_ids=ids)
    await tickets.insert_change(
        conn, ticket_id=ticket_id, user_id=None, field="mailing", old_value="", new_value=subject[:500]
    )


async def _finish(conn: Connection, work: _Work, *, state: str, **values: object) -> None:
    mail = work.mail
    await repository.finish(
        conn,
        work.due.id,
        state=state,
        kind=mail.kind,
        sender=(mail.sender.email if mail.sender else mail.sender_line)[:320],
        subject=mail.subject[:500],
        notes={"notes": list(work.notes), "warnings": list(mail.warnings)},
        **values,
    )


async def _settle(
    runtime: Runtime,
    due: DueMail,
    mail: ParsedMail,
    owner: str,
    *,
    state: str,
    kind: str,
    reason: str,
    ticket_id: int | None = None,
) -> None:
    """Set a mail aside, or hold it, without a message."""

    async def work(conn: Connection) -> None:
        if await repository.lock_claimed(conn, due.id, owner):
            sender = mail.sender.email if mail.sender else mail.sender_line
            await repository.finish(
                conn,
                due.id,
                state=state,
                kind=kind,
                reason=reason,
                sender=sender[:320],
                subject=mail.subject[:500],
                ticket_id=ticket_id,
            )

    await runtime.database.run(work)


async def _unless_long_closed(conn: Connection, runtime: Runtime, place: Place) -> Place:
    """A new ticket, where the one that is answered was closed long ago."""
    days = runtime.settings.inbound_reopen_days
    if place.ticket_id is None or not days:
        return place
    found = await tickets.ticket(conn, place.ticket_id)
    if found is None or found.status != "closed" or found.last_activity_at > utcnow() - timedelta(days=days):
        return place
    return Place(None, supposed=place.ticket_id)


def _answering(message: Incoming, place: Place) -> Incoming:
    return Incoming(**{**message.__dict__, "in_reply_to": place.answers})


async def _own_addresses(conn: Connection, runtime: Runtime) -> set[str]:
    return {parse_address(runtime.settings.sender).email.lower(), *await mailboxes.own_addresses(conn)}


async def _is_loop(conn: Connection, mail: ParsedMail, tokens: ReplyTokens, own: set[str]) -> bool:
    """Whether we sent it ourselves: its own Message-ID is one of ours, or it is from where we get mail."""
    if mail.message_id and (
        tokens.reply_of(mail.message_id) is not None or await sent_mails.is_ours(conn, mail.message_id)
    ):
        return True
    return mail.sender is not None and _plain(mail.sender.email) in own


def _plain(email: str) -> str:
    local, _, domain = email.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _copies(mail: ParsedMail, own: set[str], tokens: ReplyTokens) -> tuple[Address, ...]:
    """Everybody else whom the mail names as a reader: they follow the ticket."""
    sender = mail.sender.email.lower() if mail.sender else ""
    others = {
        one.email: one
        for one in (*mail.to, *mail.cc)
        if one.email.lower() != sender and _plain(one.email) not in own and tokens.reply_of(one.email) is None
    }
    return tuple(others.values())


async def _destination(conn: Connection, work: _Work) -> tuple[int | None, int | None]:
    """Mailbox and department: the mailbox that it came by, else the first address of ours that it went to."""
    box = await mailboxes.mailbox(conn, work.due.mailbox_id) if work.due.mailbox_id else None
    mailbox_id = box.id if box else None
    found = box.department_id if box else None
    if box is None:
        for address in (work.due.recipient, *(one.email for one in (*work.mail.to, *work.mail.cc)[:20])):
            box = await mailboxes.of_address(conn, address) if address else None
            mailbox_id = mailbox_id or (box.id if box else None)
            found = box.department_id if box else await mailboxes.department_of_address(conn, address)
            if found is not None:
                break
    gone = found is not None and await departments.department(conn, found) is None
    return mailbox_id, None if gone else found


def _key(mail: ParsedMail) -> bytes | None:
    """What makes a mail that came by two ways one; None where it has no Message-ID to know it by."""
    if not mail.message_id or mail.sender is None:
        return None
    digest = hashlib.sha256()
    parts = (mail.message_id, mail.sender.email.lower(), mail.subject, mail.text or "", mail.html or "")
    for part in parts:
        digest.update(part.encode("utf-8", "replace") + b"\x00")
    for one in mail.files:
        digest.update(hashlib.sha256(one.content).digest())
    return digest.digest()
