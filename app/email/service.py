"""Send mail: `send_email` for everybody, `enqueue` for who has a transaction of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from app.database import Connection, DatabaseUnavailable
from app.email import outbox, repository
from app.email import queue_repository as queue
from app.email.addresses import parse_address_list
from app.email.delivery import deliver_now
from app.email.errors import EmailRefused
from app.email.markup_limits import check_size
from app.email.message import Attachment
from app.email.models import CopyState, NewMail
from app.email.outbox import announce, check_mail, enqueue, enqueue_many
from app.email.tracking import tracking_now
from app.files import repository as files
from app.hookspecs import QueuedMail, Recipient
from app.receipts import service as receipts
from app.richtext import text_to_html_async
from app.runtime import Runtime, current, ensure
from app.suppressions import service as suppressions

log = structlog.get_logger(__name__)

__all__ = [
    "announce",
    "check_mail",
    "deliver_now",
    "enqueue",
    "enqueue_many",
    "reply_of_message",
    "send_again",
    "send_email",
]


async def send_email(
    *,
    subject: str,
    recipients: str | Sequence[str],
    html_body: str | None = None,
    text_body: str | None = None,
    cc: str | Sequence[str] | None = None,
    bcc: str | Sequence[str] | None = None,
    reply_to: str | None = None,
    attachments: Sequence[Attachment | tuple[str, str, bytes]] | None = None,
    enable_tracking: bool = False,
    ticket_reply_id: int | None = None,
    metadata: Mapping[str, object] | None = None,
    sensitive: bool = False,
    headers: Mapping[str, str] | None = None,
    attachment_ids: Sequence[int] = (),
) -> tuple[bool, dict[str, Any] | None]:
    """Store a mail, then hand one copy per recipient to the mail server.

    Works inside the running portal and in a plain script, which takes its settings from the environment.

    recipients, cc, bcc: "bob@example.org" or "Bob <bob@example.org>", one or several. html_body or text_body or both;
    the missing one is made from the other, the text always from the untracked HTML. attachments: (filename, content
    type, bytes); attachment_ids: files that are stored already; pictures of theirs are shown where the HTML names them.
    enable_tracking: let modules track this mail; needs ticket_reply_id, the row in `ticket_replies` it belongs to, and
    PORTAL_URL; without them the mail goes out untracked and `reason` says why. sensitive: the mail carries a login,
    reset or magic link; nothing in it is rewritten.

    Returns (sent, event_metadata). sent: the mail server took every copy now. What was refused for now stays in the
    outbox and is tried again by the worker. event_metadata: email_id, message_id, tracking_id (of the first
    recipient), tracked, reason, recipients [{email, role, tracking_id, state, detail}].
    Raises EmailRefused for an address, header or body that cannot be sent, RecipientsSuppressed where an address gets
    no mail and the mail is not sensitive; nothing is stored or sent then.
    """
    async with ensure() as runtime:
        tracked, reason = await _may_track(runtime, enable_tracking, ticket_reply_id, sensitive=sensitive)
        html, text = await _bodies(runtime, html_body, text_body)
        mail = NewMail(
            subject=subject,
            to=tuple(parse_address_list(recipients)),
            cc=tuple(parse_address_list(cc)),
            bcc=tuple(parse_address_list(bcc)),
            html_body=html,
            text_body=text,
            reply_id=ticket_reply_id,
            reply_to=reply_to,
            headers=headers or {},
            enable_tracking=tracked,
            sensitive=sensitive,
            metadata=metadata or {},
            attachment_ids=tuple(attachment_ids),
        )
        outbox.check(mail)
        uploads = [one if isinstance(one, Attachment) else Attachment(*one) for one in attachments or ()]
        queued = await runtime.database.run(lambda conn: _store(conn, mail, uploads))
        # Beside the delivery: a module that writes to the database must not hold the mail up.
        announcing = asyncio.ensure_future(announce(queued))
        try:
            await deliver_now(queued.id)
            copies, message_id = await _stored_copies(runtime, queued.id)
        except DatabaseUnavailable as error:
            # The mail is stored. Raising now would make the caller send it again.
            log.error("a mail is left to the worker: the database does not answer", mail=queued.id, error=str(error))
            copies, message_id = [_as_queued(recipient) for recipient in queued.recipients], ""
        finally:
            await announcing
        return _result(queued, copies, message_id, tracked=tracked, reason=reason)


async def _may_track(
    runtime: Runtime, wanted: bool, reply_id: int | None, *, sensitive: bool
) -> tuple[bool, str | None]:
    """Whether modules may track, and why not."""
    reason = None
    if not wanted:
        return False, None
    if sensitive:
        raise EmailRefused("a sensitive mail is never tracked; leave enable_tracking out")
    if reply_id is None:
        reason = "tracking needs ticket_reply_id, the reply that the mail belongs to"
    else:
        reason = (await tracking_now(runtime)).why_not or None
    if reason:
        log.warning("a mail goes out untracked", reply=reply_id, reason=reason)
    return reason is None, reason


async def _bodies(runtime: Runtime, html: str | None, text: str | None) -> tuple[str, str | None]:
    """The bodies without what modules put into earlier mails: who forwards one must not be taken for its reader."""
    if html is None and text is None:
        raise EmailRefused("the mail has no body; give html_body, text_body or both")
    for body in (html, text):
        check_size(body or "")
    text = None if text is None else await runtime.plugins.restore_text(text)
    if html is None:
        return await text_to_html_async(text or ""), text
    return await runtime.plugins.restore_html(html), text


async def _store(conn: Connection, mail: NewMail, uploads: Sequence[Attachment]) -> QueuedMail:
    if mail.reply_id is not None and not await repository.reply_exists(conn, mail.reply_id):
        raise EmailRefused(f"there is no ticket reply {mail.reply_id}; give the id of a row in ticket_replies")
    stored = [
        await files.insert(
            conn,
            ticket_id=None,
            uploaded_by=None,
            filename=upload.filename[:255],
            content_type=upload.content_type[:100],
            content=upload.content,
        )
        for upload in uploads
    ]
    return await enqueue(conn, replace(mail, attachment_ids=(*mail.attachment_ids, *stored)))


async def _stored_copies(runtime: Runtime, mail_id: int) -> tuple[list[CopyState], str]:
    """How the copies of a mail stand, and its Message-ID."""
    async with runtime.database.connection() as conn:
        row = await repository.mail_row(conn, mail_id)
        return await repository.copies_of(conn, mail_id), row["message_id"] if row else ""


def _as_queued(recipient: Recipient) -> CopyState:
    return CopyState(
        id=recipient.id,
        role=recipient.role,
        email=recipient.email,
        tracking_id=recipient.tracking_id,
        state="queued",
        detail="",
        reports=frozenset(),
        is_agent=recipient.is_agent,
    )


def _result(
    queued: QueuedMail, copies: Sequence[CopyState], message_id: str, *, tracked: bool, reason: str | None
) -> tuple[bool, dict[str, Any]]:
    sent = all(copy.state == "sent" for copy in copies)
    if tracked and sent and not any(copy.reports for copy in copies):
        tracked, reason = False, "no module tracked the mail"
    return sent, {
        "email_id": queued.id,
        "message_id": message_id,
        "tracking_id": queued.recipients[0].tracking_id,
        "tracked": tracked,
        "reason": reason,
        "recipients": [
            {
                "email": copy.email,
                "role": copy.role,
                "tracking_id": copy.tracking_id,
                "state": copy.state,
                "detail": copy.detail,
            }
            for copy in copies
        ],
    }


async def send_again(recipient_id: int) -> None:
    """Queue a copy again that failed or whose outcome is unknown; with the same Message-ID.

    Raises EmailRefused for a copy in another state, which may still be on its way, and where its address gets no mail.
    """

    async def work(conn: Connection) -> None:
        row = await queue.lock_copy(conn, recipient_id)
        if row is None:
            raise EmailRefused(f"there is no copy {recipient_id}")
        if row["state"] not in {"failed", "unknown"}:
            raise EmailRefused(
                f"the copy for {row['email']} is {row['state']}; only one that failed or is unknown is sent again"
            )
        await suppressions.check(conn, [row["email"]])
        await queue.requeue(conn, recipient_id)
        reply_id = await repository.reply_of_mail(conn, row["email_id"])
        if reply_id is not None:
            await receipts.refresh(conn, reply_id)

    await current().database.run(work)


async def reply_of_message(message_id: str) -> tuple[int, int] | None:
    """(ticket id, reply id) of the mail of ours with this Message-ID, angle brackets included; None for another."""
    async with current().database.connection() as conn:
        row = await repository.reply_of_message(conn, message_id)
    return (row["ticket_id"], row["reply_id"]) if row else None
