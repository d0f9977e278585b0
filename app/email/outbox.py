"""Put a mail into the outbox: checked, with one row per recipient, before any SMTP."""

from __future__ import annotations

import secrets
from dataclasses import replace

from app.database import Connection
from app.email import headers, repository
from app.email.addresses import Address, parse_address, unique_recipients
from app.email.copy_ids import CopyIds
from app.email.errors import EmailRefused
from app.email.markup_limits import check_size
from app.email.models import NewMail
from app.email.reply_tokens import ReplyTokens
from app.hookspecs import QueuedMail
from app.receipts import service as receipts
from app.richtext import html_to_text_async
from app.runtime import current
from app.suppressions import service as suppressions


async def enqueue(conn: Connection, mail: NewMail) -> QueuedMail:
    """Store a mail with a random tracking id per recipient, in the caller's transaction.

    Call `announce` after the commit. Raises EmailRefused, naming value, rule and way out; nothing is stored then.
    RecipientsSuppressed is one: an address gets no mail. Sensitive mails go out all the same.
    """
    recipients = unique_recipients(mail.to, mail.cc, mail.bcc)
    sender = parse_address(mail.sender or current().settings.sender)
    check(mail)
    if not mail.sensitive:
        # A login or reset link was asked for just now; whoever waits for it may try what failed before.
        await suppressions.check(conn, [one.email for one in (*recipients.to, *recipients.cc, *recipients.bcc)])
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
    mail_id = await repository.insert_mail(conn, threaded, message_id=message_id, sender=str(sender), text_body=text)
    groups = (("to", recipients.to), ("cc", recipients.cc), ("bcc", recipients.bcc))
    ids = CopyIds(current().settings.keys)
    copies = [(role, address, ids.new()) for role, group in groups for address in group]
    await repository.insert_copies(conn, mail_id=mail_id, copies=copies, wait=mail.wait)
    if mail.attachment_ids:
        await repository.attach(conn, mail_id=mail_id, attachment_ids=mail.attachment_ids)
    stored = await repository.copies_of(conn, mail_id)
    if mail.reply_id is not None:
        await receipts.refresh(conn, mail.reply_id)
    return QueuedMail(
        id=mail_id,
        reply_id=mail.reply_id,
        subject=mail.subject,
        enable_tracking=mail.enable_tracking,
        recipients=tuple(copy.recipient for copy in stored),
    )


def check(mail: NewMail) -> None:
    """Raises EmailRefused for a subject, header or body that cannot be sent."""
    check_size(mail.html_body)
    check_size(mail.text_body or "", "the text")
    headers.check_subject(mail.subject)
    for name, value in mail.headers.items():
        headers.check_extra_header(name, value)
    if mail.reply_to:
        parse_address(mail.reply_to)
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
