"""Offers a mail to the modules before a message is made of it."""

from __future__ import annotations

import asyncio
import base64
import quopri
from collections.abc import Iterator
from email import policy
from email.message import Message
from email.parser import BytesParser

from app.hookspecs import MOST_RAW, Arrived, ArrivedMail, MailPart
from app.inbound import header_values as values
from app.inbound.models import DueMail, ParsedMail
from app.runtime import Runtime

MOST_PARTS = 100
_POLICY = policy.compat32.clone(linesep="\r\n")


async def offer(runtime: Runtime, due: DueMail, mail: ParsedMail, raw: bytes) -> Arrived | None:
    """What a module says that took the mail; None where none did. raw: `scan.check_shape` found it small enough."""
    if not runtime.plugins.takes_mail:
        return None
    return await runtime.plugins.mail_arrived(await asyncio.to_thread(arrived, due, mail, raw))


def arrived(due: DueMail, mail: ParsedMail, raw: bytes) -> ArrivedMail:
    """A mail as modules see it; what of it cannot be read is left out."""
    head = raw[:MOST_RAW]
    try:
        message = BytesParser(policy=_POLICY).parsebytes(head)
        parts = tuple(_parts(message))
        headers = tuple(
            (name, value) for name in dict.fromkeys(message.keys()) for value in values.all_raw(message, name)
        )
    except Exception:
        # A mail that the parser read as a whole may break it where it is cut.
        parts, headers = (), ()
    named = (due.recipient, *mail.delivered_to, *(one.email for one in (*mail.to, *mail.cc)))
    return ArrivedMail(
        id=due.id,
        kind=mail.kind,
        received_at=due.received_at,
        sender=mail.sender.email if mail.sender else "",
        subject=mail.subject,
        message_id=mail.message_id,
        answers=(*mail.in_reply_to, *mail.references),
        recipients=tuple(dict.fromkeys(filter(None, (one.strip().strip("<>") for one in named)))),
        headers=headers,
        parts=parts,
        raw=head,
    )


def _parts(message: Message) -> Iterator[MailPart]:
    waiting, count = [message], 0
    while waiting and count < MOST_PARTS:
        part = waiting.pop()
        kind = part.get_content_type()
        payload = part.get_payload()
        inside = [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []
        if kind.startswith("multipart/"):
            waiting += inside[::-1]
            continue
        count += 1
        yield MailPart(kind, _held(part, inside) if inside else _decoded(part))


def _held(part: Message, inside: list[Message]) -> bytes:
    """The blocks of a report, or the mail within the mail, as they stand; decoded where RFC 6532 lets them be so."""
    try:
        content = b"\r\n".join(one.as_bytes() for one in inside)
        encoding = values.raw(part, "Content-Transfer-Encoding").lower()
        if encoding == "base64":
            return base64.b64decode(content)
        return quopri.decodestring(content) if encoding == "quoted-printable" else content
    except Exception:
        return b""


def _decoded(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except Exception:
        return b""
    return content if isinstance(content, bytes) else b""
