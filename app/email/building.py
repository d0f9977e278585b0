"""From a stored mail to the bytes of one recipient's copy, after the modules had their say."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.consent import footer, optout
from app.consent import service as consent
from app.consent.rules import sentence
from app.customer import footer as page_footer
from app.customer import switch
from app.database import Row
from app.email import repository
from app.email.addresses import Address, make_address, parse_address
from app.email.message import Attachment, OutgoingCopy, build_message
from app.email.models import DueCopy, StoredMail
from app.hookspecs import TRACKED_KINDS, Delivery, TrackingPolicy
from app.plugin_host import PreparedCopy
from app.runtime import Runtime

OWN_IMAGE = re.compile(r'(<img\b[^>]*?\bsrc=")/attachments/(\d{1,19})/inline(")', re.IGNORECASE)
UNSUBSCRIBE_URL = re.compile(r"<([^<>]+)>")


NO_POLICY = TrackingPolicy(frozenset(), frozenset())


@dataclass(frozen=True)
class Built:
    """One recipient's copy, ready for the mail server, and what the modules said of it."""

    data: bytes
    reports: frozenset[str]
    """What the copy will be able to tell."""
    notes: Mapping[str, str]
    """What modules want to know of it later, by slug."""
    untracked_words: str = ""
    """Why it is not tracked, in a sentence; '' where it is, and where nobody but a module knows."""
    envelope_sender: str | None = None
    """Where its bounces go, where a module says."""


async def load(runtime: Runtime, mail_id: int) -> StoredMail:
    """A mail with all that its copies have in common."""
    async with runtime.database.connection() as conn:
        row = await repository.mail_row(conn, mail_id)
        if row is None:
            raise LookupError(f"mail {mail_id} is gone")
        recipients = await repository.recipient_rows(conn, mail_id)
        files = await repository.attachment_rows(conn, mail_id, row["mailing"])
        contents = await runtime.contents.get(conn, [one["id"] for one in files])
    return _stored(row, recipients, files, contents)


def _stored(row: Row, recipients: list[Row], files: list[Row], contents: Mapping[int, bytes]) -> StoredMail:
    def group(role: str) -> tuple[Address, ...]:
        return tuple(make_address(one["name"], one["email"]) for one in recipients if one["role"] == role)

    return StoredMail(
        id=row["id"],
        reply_id=row["reply_id"],
        message_id=row["message_id"],
        subject=row["subject"],
        sender=parse_address(row["sender"]),
        reply_to=parse_address(row["reply_to"]) if row["reply_to"] else None,
        to=group("to"),
        cc=group("cc"),
        html_body=row["html_body"],
        text_body=row["text_body"],
        in_reply_to=row["in_reply_to"] or None,
        references=tuple(row["reference_ids"].split()),
        headers=json.loads(row["headers"]),
        auto_submitted=row["auto_submitted"] or None,
        enable_tracking=bool(row["enable_tracking"]),
        tracking_said=bool(row["tracking_said"]),
        sensitive=bool(row["is_sensitive"]),
        created_at=row["created_at"],
        mailing=row["mailing"],
        attachments=tuple(
            Attachment(
                one["filename"], one["content_type"], contents[one["id"]], f"file{one['id']}@attachments.invalid"
            )
            for one in files
            if one["id"] in contents
        ),
    )


def with_inline_images(html: str, attachments: tuple[Attachment, ...]) -> str:
    """The HTML as it travels: our own images by `cid:` where the mail carries them."""
    known = {one.content_id for one in attachments}

    def swap(found: re.Match[str]) -> str:
        content_id = f"file{found[2]}@attachments.invalid"
        return f"{found[1]}cid:{content_id}{found[3]}" if content_id in known else found[0]

    return OWN_IMAGE.sub(swap, html)


async def prepare(runtime: Runtime, mail: StoredMail, copy: DueCopy) -> Built:
    """One copy after the modules had their say. Raises DatabaseUnavailable."""
    html = with_inline_images(mail.html_body, mail.attachments)
    prepared, why_not, policy = PreparedCopy(html), "", NO_POLICY
    if html:
        # Only mails of replies and mailings are anybody's to decide about, and have the link to do so.
        if mail.reply_id is not None or mail.mailing is not None:
            policy = await runtime.plugins.tracking_policy()
        permits, why_not = await _permits(runtime, policy, mail, copy)
        prepared = await runtime.plugins.prepare_delivery(
            Delivery(
                mail_id=mail.id,
                reply_id=mail.reply_id,
                recipient=copy.recipient,
                html=html,
                enable_tracking=bool(permits),
                sensitive=mail.sensitive,
                list_unsubscribe=_unsubscribe_urls(mail.headers),
                text=mail.text_body,
                permits=permits,
                mailing=mail.mailing,
                headers=mail.headers,
                message_id=mail.message_id,
            )
        )
    # After the modules, so that none of them tracks these links.
    if page := await _page_address(runtime, mail, copy):
        prepared = _with_page(mail, prepared, page)
    if html and policy.opt_out_link:
        prepared = _with_footer(runtime, mail, copy, prepared)
    outgoing = OutgoingCopy(
        sender=mail.sender,
        to=mail.to,
        cc=mail.cc,
        reply_to=mail.reply_to,
        subject=mail.subject,
        message_id=mail.message_id,
        date=mail.created_at,
        text=mail.text_body if prepared.text is None else prepared.text,
        html=prepared.html or None,
        in_reply_to=mail.in_reply_to,
        references=mail.references,
        auto_submitted=mail.auto_submitted,
        attachments=mail.attachments,
        extra_headers={**prepared.headers, **mail.headers},
    )
    data = await asyncio.to_thread(lambda: build_message(outgoing).as_bytes())
    why_not = "" if prepared.reports else why_not
    return Built(data, prepared.reports, prepared.notes, why_not, prepared.envelope_sender)


async def _permits(
    runtime: Runtime, policy: TrackingPolicy, mail: StoredMail, copy: DueCopy
) -> tuple[frozenset[str], str]:
    """What the copy may report, and in a sentence why nothing."""
    if mail.sensitive or (mail.reply_id is None and mail.mailing is None):
        return TRACKED_KINDS if mail.enable_tracking else frozenset(), ""
    message = mail.enable_tracking if mail.tracking_said else None
    found = await consent.of_copy(runtime, policy, email=copy.email, reply_id=mail.reply_id, message=message)
    return found.kinds if mail.enable_tracking else frozenset(), "" if found.kinds else sentence(found.why)


async def _page_address(runtime: Runtime, mail: StoredMail, copy: DueCopy) -> str | None:
    if mail.reply_id is None or mail.sensitive:
        return None
    return await switch.address(runtime, copy.id)


def _with_page(mail: StoredMail, prepared: PreparedCopy, url: str) -> PreparedCopy:
    """The copy with the link to the page of its ticket."""
    text = mail.text_body if prepared.text is None else prepared.text
    html = page_footer.in_html(prepared.html, url) if prepared.html else prepared.html
    return replace(prepared, html=html, text=page_footer.in_text(text, url))


def _with_footer(runtime: Runtime, mail: StoredMail, copy: DueCopy, prepared: PreparedCopy) -> PreparedCopy:
    """The copy with the link to the opt-out page, where it is tracked."""
    reports = prepared.reports & TRACKED_KINDS
    url = optout.address(runtime, copy.id) if reports else None
    if url is None:
        return prepared
    text = mail.text_body if prepared.text is None else prepared.text
    return replace(prepared, html=footer.in_html(prepared.html, reports, url), text=footer.in_text(text, reports, url))


def _unsubscribe_urls(headers: Mapping[str, str]) -> tuple[str, ...]:
    for name, value in headers.items():
        if name.lower() == "list-unsubscribe":
            return tuple(UNSUBSCRIBE_URL.findall(value))
    return ()
