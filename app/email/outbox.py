"""Put a mail into the outbox: checked, with one row per recipient, before any SMTP."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace

from app.database import Connection
from app.email import headers, repository
from app.email.addresses import Address, Recipients, parse_address, unique_recipients
from app.email.copy_ids import CopyIds
from app.email.errors import EmailRefused
from app.email.markup_limits import check_size
from app.email.models import CopyState, NewMail
from app.email.reply_tokens import ReplyTokens
from app.email.repository import MailRow
from app.hookspecs import QueuedMail
from app.receipts import service as receipts
from app.richtext import html_to_text_async
from app.runtime import current
from app.suppressions import service as suppressions

NAME = re.compile(r"[A-Za-z0-9:._-]{1,64}", re.ASCII)
"""What the mails of one mailing are named by."""


async def enqueue(conn: Connection, mail: NewMail) -> QueuedMail:
    """Store a mail with a random tracking id per recipient, in the caller's transaction.

    Call `announce` after the commit. Raises EmailRefused, naming value, rule and way out; nothing is stored then.
    RecipientsSuppressed is one: an address gets no mail. Sensitive mails go out all the same.
    """
    recipients = unique_recipients(mail.to, mail.cc, mail.bcc)
    row = await _row(mail)
    await _check_suppressed(conn, [(mail, recipients)])
    mail_id = await repository.insert_mail(conn, row)
    await repository.insert_copies(conn, _copies(mail_id, recipients), wait=mail.wait)
    if mail.attachment_ids:
        await repository.attach(conn, mail_id=mail_id, attachment_ids=mail.attachment_ids)
    stored = await repository.copies_of(conn, mail_id)
    if mail.reply_id is not None:
        await receipts.refresh(conn, mail.reply_id)
    return _queued(mail_id, mail, stored)


async def enqueue_many(conn: Connection, mails: Sequence[NewMail]) -> list[QueuedMail]:
    """Store many mails at once, in the caller's transaction: some statements for all, not for each. In their order.

    None of them may be that of a reply, have attachments of its own or wait; what all mails of a mailing carry is with
    the mailing (`app.services.files`). Call `announce` with each after the commit. Raises EmailRefused for the first
    that cannot be sent; nothing is stored then.
    """
    if not mails:
        return []
    for mail in mails:
        if mail.reply_id is not None or mail.attachment_ids or mail.wait:
            raise ValueError("mails of replies, with attachments, or that wait are stored one by one; use enqueue")
    recipients = [unique_recipients(mail.to, mail.cc, mail.bcc) for mail in mails]
    rows = [await _row(mail) for mail in mails]
    await _check_suppressed(conn, list(zip(mails, recipients, strict=True)))
    ids = await repository.insert_mails(conn, rows)
    numbers = [ids[row.message_id] for row in rows]
    copies = [copy for number, who in zip(numbers, recipients, strict=True) for copy in _copies(number, who)]
    await repository.insert_copies(conn, copies)
    stored = await repository.copies_of_mails(conn, numbers)
    return [_queued(number, mail, stored[number]) for number, mail in zip(numbers, mails, strict=True)]


async def _row(mail: NewMail) -> MailRow:
    """A mail as it is stored, checked."""
    sender = parse_address(mail.sender or current().settings.sender)
    check(mail)
    text = mail.text_body if mail.text_body is not None else await html_to_text_async(mail.html_body)
    domain = _domain(sender)
    message_id = (
        f"<{secrets.token_hex(16)}@{domain}>"
        if mail.reply_id is None
        else ReplyTokens(current().settings.keys).message_id(mail.reply_id, domain)
    )
    # Foreign ids come from other people's mail: what is no id is left out, so that it cannot stop the answer.
    threaded = replace(
        mail,
        in_reply_to=headers.encode_references([mail.in_reply_to or ""]) or None,
        references=tuple(headers.encode_references(mail.references).split()),
    )
    return MailRow(threaded, message_id, str(sender), text)


async def _check_suppressed(conn: Connection, mails: Sequence[tuple[NewMail, Recipients]]) -> None:
    # A login or reset link was asked for just now; whoever waits for it may try what failed before.
    named = [who for mail, who in mails if not mail.sensitive]
    await suppressions.check(conn, [one.email for who in named for one in (*who.to, *who.cc, *who.bcc)])


def _copies(mail_id: int, recipients: Recipients) -> list[tuple[int, str, Address, str]]:
    groups = (("to", recipients.to), ("cc", recipients.cc), ("bcc", recipients.bcc))
    ids = CopyIds(current().settings.keys)
    return [(mail_id, role, address, ids.new()) for role, group in groups for address in group]


def _queued(mail_id: int, mail: NewMail, copies: Sequence[CopyState]) -> QueuedMail:
    return QueuedMail(
        id=mail_id,
        reply_id=mail.reply_id,
        subject=mail.subject,
        enable_tracking=mail.enable_tracking,
        recipients=tuple(copy.recipient for copy in copies),
        mailing=mail.mailing,
    )


def check_mail(mail: NewMail) -> NewMail:
    """The mail, where `enqueue` would take it. Raises EmailRefused."""
    unique_recipients(mail.to, mail.cc, mail.bcc)
    parse_address(mail.sender or current().settings.sender)
    check(mail)
    return mail


def check(mail: NewMail) -> None:
    """Raises EmailRefused for a subject, header or body that cannot be sent."""
    check_size(mail.html_body)
    check_size(mail.text_body or "", "the text")
    headers.check_subject(mail.subject)
    for name, value in mail.headers.items():
        headers.check_extra_header(name, value)
    if mail.reply_to:
        parse_address(mail.reply_to)
    if mail.mailing is not None and not NAME.fullmatch(mail.mailing):
        raise EmailRefused(f"a mailing is named by 1 to 64 plain letters, digits and :._-, got {mail.mailing[:80]!r}")
    if mail.sensitive and mail.enable_tracking:
        raise EmailRefused("a sensitive mail is never tracked; leave enable_tracking out")


async def announce(mail: QueuedMail) -> None:
    """Tell the modules of a stored mail; call after the commit."""
    await current().plugins.email_queued(mail)


def _domain(sender: Address) -> str:
    """Our domain in message ids: the portal's host where it is a name, else the sender's."""
    portal = current().settings.portal
    host = (portal.hostname if portal else None) or ""
    is_name = "." in host and not host.replace(".", "").isdigit() and ":" not in host
    return host if is_name else sender.email.rpartition("@")[2]
