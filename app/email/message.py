"""Builds the MIME message of one outgoing copy. Pure: the same copy gives the same parts.

    multipart/mixed                      only with attachments
      multipart/alternative              only with HTML
        text/plain
        multipart/related                only with inline images
          text/html
          image/…  (Content-ID)
      attachment …

All bodies are quoted-printable or base64, so the message is 7-bit and no line is long.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import PurePosixPath
from typing import Literal

from app.email import headers
from app.email.addresses import Address
from app.email.errors import AttachmentRefused, HeaderRefused, shown

MAX_FILENAME = 150
"""Characters of a file name in a message; a longer one is cut before its extension."""

_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,100}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,200}")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message.

    content_type: "type/subtype" without parameters.
    content_id: without angle brackets; where the HTML shows it by `cid:`, the file is an
        inline image, otherwise an ordinary attachment.
    """

    filename: str
    content_type: str
    content: bytes
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class OutgoingCopy:
    """Everything visible in one recipient's copy. Bcc is absent on purpose: it is envelope only.

    message_id, in_reply_to, references: with angle brackets, references oldest first.
    date: with a time zone.
    auto_submitted: None for what an agent wrote; RFC 3834 for what the portal wrote by itself.
    extra_headers: as `headers.check_extra_header` allows.
    """

    sender: Address
    to: tuple[Address, ...]
    subject: str
    message_id: str
    date: datetime
    text: str
    html: str | None = None
    cc: tuple[Address, ...] = ()
    reply_to: Address | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    auto_submitted: Literal["auto-generated", "auto-replied"] | None = None
    attachments: tuple[Attachment, ...] = ()
    extra_headers: Mapping[str, str] = field(default_factory=dict)


def build_message(copy: OutgoingCopy) -> EmailMessage:
    """Build the message; `bytes(message)` or `as_bytes()` is what goes to the server, with CRLF line ends.

    Both bodies arrive byte for byte but for their line ends, which become CRLF (RFC 2045, 6.7).
    Raises HeaderRefused or AttachmentRefused for a value that cannot stand in a message.
    """
    inline = tuple(one for one in copy.attachments if _shown_inline(one, copy.html))
    files = [one for one in copy.attachments if one not in inline]
    message = _body(copy.text, copy.html, inline)
    if files:
        message = _multipart("mixed", [message, *map(_file_part, files)])
    _write_headers(message, copy)
    return message


def _write_headers(message: EmailMessage, copy: OutgoingCopy) -> None:
    if copy.date.tzinfo is None:
        raise HeaderRefused(f"the date of a mail needs a time zone, got {copy.date}; use an aware datetime")
    headers.put(message, "Date", format_datetime(copy.date))
    headers.put_addresses(message, "From", [copy.sender])
    if copy.reply_to:
        headers.put_addresses(message, "Reply-To", [copy.reply_to])
    if copy.to:
        headers.put_addresses(message, "To", copy.to)
    elif not copy.cc:
        # A mail with only hidden recipients still gets a To: many filters distrust one without.
        headers.put(message, "To", "undisclosed-recipients:;")
    if copy.cc:
        headers.put_addresses(message, "Cc", copy.cc)
    headers.put(message, "Subject", headers.encode_text(headers.check_subject(copy.subject)))
    headers.put(message, "Message-ID", headers.check_message_id(copy.message_id))
    if copy.in_reply_to and (in_reply_to := headers.encode_references([copy.in_reply_to])):
        headers.put(message, "In-Reply-To", in_reply_to)
    if references := headers.encode_references(copy.references):
        headers.put(message, "References", references)
    if copy.auto_submitted:
        headers.put(message, "Auto-Submitted", copy.auto_submitted)
    for name, value in copy.extra_headers.items():
        headers.check_extra_header(name, value)
        headers.put(message, name, " ".join(value.split()))
    if "MIME-Version" not in message:
        message["MIME-Version"] = "1.0"


def _body(text: str, html: str | None, inline: tuple[Attachment, ...]) -> EmailMessage:
    plain = _text_part(text, "plain")
    if html is None:
        return plain
    rich = _text_part(html, "html")
    if inline:
        rich = _multipart("related", [rich, *map(_inline_part, inline)])
        # RFC 2387 wants the type of the root part named; Outlook looks at it.
        rich.set_param("type", "text/html")
    return _multipart("alternative", [plain, rich])


def _text_part(text: str, subtype: str) -> EmailMessage:
    """Encode a body by hand: set_content would add a line break, and 8-bit lines where it sees fit."""
    data = re.sub(r"\r\n|\r|\n", "\r\n", text).encode("utf-8", "replace")
    quoted = binascii.b2a_qp(data, istext=True)
    part = EmailMessage(policy=SMTP)
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    if len(quoted) <= len(data) * 4 // 3:
        part["Content-Transfer-Encoding"] = "quoted-printable"
        part.set_payload(quoted.decode("ascii"))
    else:
        part["Content-Transfer-Encoding"] = "base64"
        part.set_payload(base64.encodebytes(data).decode("ascii"))
    return part


def _multipart(subtype: str, parts: list[EmailMessage]) -> EmailMessage:
    container = EmailMessage(policy=SMTP)
    container["Content-Type"] = f"multipart/{subtype}"
    for part in parts:
        container.attach(part)
    return container


def _file_part(attachment: Attachment, disposition: str = "attachment") -> EmailMessage:
    part = EmailMessage(policy=SMTP)
    maintype, subtype = _content_type(attachment)
    part.set_content(
        attachment.content,
        maintype=maintype,
        subtype=subtype,
        disposition=disposition,
        filename=_filename(attachment.filename),
    )
    del part["MIME-Version"]
    return part


def _inline_part(attachment: Attachment) -> EmailMessage:
    part = _file_part(attachment, "inline")
    headers.put(part, "Content-ID", f"<{attachment.content_id}>")
    return part


def _shown_inline(attachment: Attachment, html: str | None) -> bool:
    if attachment.content_id is None:
        return False
    if _CONTENT_ID.fullmatch(attachment.content_id) is None:
        raise AttachmentRefused(
            f"content id {shown(attachment.content_id)} of {shown(attachment.filename)} may hold ASCII "
            "letters, digits, dots, hyphens and @ only; choose another"
        )
    return html is not None and f"cid:{attachment.content_id}" in html


def _content_type(attachment: Attachment) -> tuple[str, str]:
    given = attachment.content_type.lower()
    if _CONTENT_TYPE.fullmatch(given) is None:
        raise AttachmentRefused(
            f"content type {shown(attachment.content_type)} of {shown(attachment.filename)} must look like image/png"
        )
    maintype, _, subtype = given.partition("/")
    # These two may not be base64 (RFC 2046), and a mail as a file is to arrive as a file.
    if maintype in ("message", "multipart"):
        return "application", "octet-stream"
    return maintype, subtype


def _filename(given: str) -> str:
    """Keep the last part of a path, without controls, short enough, never empty."""
    name = re.split(r"[/\\]", given)[-1]
    name = "".join(char if char.isprintable() else "_" for char in name).strip(" .")
    if len(name) > MAX_FILENAME:
        suffix = PurePosixPath(name).suffix[:20]
        name = name[: MAX_FILENAME - len(suffix)] + suffix
    return name or "attachment"
