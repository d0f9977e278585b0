"""From raw bytes to `ParsedMail`. Pure; slow mails are bounded by `scan.check_shape`, which runs first.

The library reads under its old policy, which never looks into a header before it is asked to; headers are decoded by
`header_values`. Whatever still breaks is Unreadable with its reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from email import policy
from email.message import Message
from email.parser import BytesParser
from html import escape

from app.inbound import header_values as values
from app.inbound import invitations, kinds, senders, tnef
from app.inbound.charsets import decode_text
from app.inbound.errors import Unreadable
from app.inbound.models import File, ParsedMail
from app.inbound.scan import check_shape

MAX_BODY = 2_000_000
"""Bytes of one body part that are read; the rest is in the original."""
MAX_FILES = 100
MAX_REPORTED = 100
"""Addresses of one header of a report that are looked at."""
_REPORTED = ("Original-Recipient", "Final-Recipient", "Original-Rcpt-To", "Removal-Recipient")
_ADDRESS = re.compile(r"[!#-'*+./0-9=?A-Z^_`a-z{|}~-]{1,64}@[0-9A-Za-z.-]{1,253}")
_POLICY = policy.compat32.clone(linesep="\r\n")
_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "text/html": ".html", "text/plain": ".txt"}
_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}")


@dataclass(frozen=True)
class _Piece:
    """A part that people read. twice: the mail says the same in another form."""

    text: str
    is_html: bool
    twice: bool = False


@dataclass
class _Found:
    bodies: list[_Piece] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    returned_ids: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)


def parse(raw: bytes, *, trusted_hosts: Collection[str] = ()) -> ParsedMail:
    """Read a mail. trusted_hosts: names of mail servers whose Authentication-Results are believed.

    Raises Unreadable with the reason: a cap that is broken, or what the library says.
    """
    check_shape(raw)
    try:
        message = BytesParser(policy=_POLICY).parsebytes(raw)
        return _read(message, trusted_hosts)
    except Unreadable:
        raise
    except RecursionError:
        raise Unreadable("The mail has parts within parts, deeper than can be read.") from None
    except Exception as error:
        raise Unreadable(f"The mail cannot be read: {type(error).__name__}: {str(error)[:300]}") from error


def _read(message: Message, trusted_hosts: Collection[str]) -> ParsedMail:
    found = _Found()
    _walk(message, found)
    from_, is_sound = values.addresses(message, "From")
    sender = from_[0] if len(from_) == 1 and is_sound and len(list(values.all_raw(message, "From"))) == 1 else None
    reply_to, _ = values.addresses(message, "Reply-To")
    subject = values.decoded(message, "Subject")
    sender_line = values.decoded(message, "From")
    address = sender.email if sender else sender_line.rpartition("<")[2].strip("<> ")
    said: tuple[str, ...] = ()
    if sender is not None:
        results = list(values.all_raw(message, "Authentication-Results"))
        said = senders.warnings(sender, results=results, trusted=trusted_hosts, reply_to=reply_to)
    delivered = [values.raw(message, name) for name in ("Delivered-To", "X-Original-To", "Envelope-To")]
    own_ids = values.ids(message, "Message-ID")
    return ParsedMail(
        sender=senders.named(sender) if sender else None,
        sender_line=sender_line[:300],
        to=values.addresses(message, "To")[0],
        cc=values.addresses(message, "Cc")[0],
        reply_to=reply_to,
        subject=subject,
        message_id=own_ids[0] if own_ids else "",
        in_reply_to=values.ids(message, "In-Reply-To"),
        references=values.ids(message, "References"),
        returned_ids=tuple(dict.fromkeys(found.returned_ids)),
        reported=tuple(dict.fromkeys((*found.reported, *_addresses_in(values.raw(message, "X-Failed-Recipients"))))),
        delivered_to=tuple(filter(None, delivered)),
        html=_html(found.bodies),
        text="\n\n".join(piece.text for piece in found.bodies if not piece.is_html) or None,
        files=tuple(found.files[:MAX_FILES]),
        kind=kinds.kind_of(message, found.types, sender=address, subject=subject),
        notes=tuple(dict.fromkeys(found.notes))
        + ((f"Only the first {MAX_FILES} files are here.",) if len(found.files) > MAX_FILES else ()),
        warnings=said,
    )


def _html(bodies: Sequence[_Piece]) -> str | None:
    """All of it as HTML, where some of it is; text that is there as HTML too is left out."""
    if not any(piece.is_html for piece in bodies):
        return None
    return "<hr>".join(
        piece.text if piece.is_html else f'<div style="white-space: pre-wrap">{escape(piece.text)}</div>'
        for piece in bodies
        if piece.is_html or not piece.twice
    )


def _walk(message: Message, found: _Found) -> None:
    """Sort the parts, in order; a mail within the mail is a file."""
    waiting = [(message, False)]
    while waiting:
        part, twice = waiting.pop()
        kind = part.get_content_type()
        found.types[kind] += 1
        if kind in {"message/rfc822", "message/global"}:
            _keep_mail(part, found)
        elif kind.startswith("message/") and part.is_multipart():
            _keep_report(part, found)
        elif part.is_multipart():
            inside = twice or kind == "multipart/alternative"
            waiting += [(one, inside) for one in _children(part)[::-1]]
        else:
            _keep_leaf(part, kind, found, twice=twice)


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _keep_leaf(part: Message, kind: str, found: _Found, *, twice: bool) -> None:
    filename = _filename(part)
    disposition = str(part.get_content_disposition() or "")
    content = _content(part, found)
    if kind == "text/calendar":
        words = invitations.in_words(content)
        if words:
            found.bodies.append(_Piece(words, is_html=False))
        found.files.append(File(filename or "invitation.ics", kind, content))
        return
    is_body = kind in {"text/plain", "text/html"} and disposition != "attachment" and not filename
    if kind == "text/rfc822-headers":
        found.returned_ids += _ids_in(content)
    if is_body:
        text = decode_text(content[:MAX_BODY], part.get_content_charset(), is_html=kind == "text/html")
        if len(content) > MAX_BODY:
            found.notes.append(f"Only the first {MAX_BODY:,} bytes of the text are here; the rest is in the original.")
        if text.strip():
            found.bodies.append(_Piece(text, is_html=kind == "text/html", twice=twice))
        return
    if filename.lower() == "winmail.dat" or kind in {"application/ms-tnef", "application/vnd.ms-tnef"}:
        if _unpack(content, found):
            return
        filename = filename or "winmail.dat"
    content_id = values.raw(part, "Content-ID").strip("<> ")[:200]
    if content or filename:
        found.files.append(File(filename or _default_name(kind, len(found.files) + 1), kind, content, content_id))


def _unpack(content: bytes, found: _Found) -> bool:
    """What Outlook packed into winmail.dat, as if it had come unpacked; whether that could be read."""
    try:
        inside = tnef.unpack(content)
    except tnef.NotTnef as error:
        found.notes.append(
            "The sender's Outlook packed text and files into winmail.dat, which other programs cannot open, and this "
            f"one is damaged: {error}. Ask them to send again as HTML or plain text."
        )
        return False
    before, has_text = len(found.files), bool(inside.html or inside.text or inside.rtf)
    is_new = has_text and not found.bodies
    # Exchange says the same in a part of its own beside it.
    if not found.bodies and (text := inside.html or inside.text)[:MAX_BODY].strip():
        found.bodies.append(_Piece(text[:MAX_BODY], is_html=bool(inside.html)))
    elif not found.bodies and inside.rtf:
        found.files.append(File("message.rtf", "application/rtf", inside.rtf))
        found.notes.append("The text came as RTF only; it is the file message.rtf.")
    for file in inside.files:
        if file.is_message:
            found.notes.append(
                f"An Outlook item is attached that cannot be opened here: {file.name[:80] or 'no name'}."
            )
        elif file.content or file.name:
            name = file.name[:255] or _default_name(file.kind, len(found.files) + 1)
            kind = file.kind.lower() if _TYPE.fullmatch(file.kind) else "application/octet-stream"
            found.files.append(File(name, kind, file.content, file.content_id.strip("<> ")[:200]))
    found.notes.append(_unpacked(is_new=is_new, left_out=has_text and not is_new, files=len(found.files) > before))
    return True


def _unpacked(*, is_new: bool, left_out: bool, files: bool) -> str:
    """What became of a winmail.dat. left_out: its text, because the mail has one."""
    what = " and ".join(word for word, there in (("its text", is_new), ("files", files)) if there)
    also = " The text in it is not shown, because the mail has a text of its own." if left_out else ""
    if what:
        are = "it is" if not files else "they are"
        return f"Outlook packed {what} into winmail.dat; {are} unpacked here.{also}"
    return f"Outlook added a winmail.dat without files.{also}"


def _keep_mail(part: Message, found: _Found) -> None:
    inner = _children(part)
    if not inner:
        return
    message = inner[0]
    found.returned_ids += values.ids(message, "Message-ID")
    subject = values.decoded(message, "Subject")[:80]
    try:
        content = message.as_bytes()
    except Exception:
        found.notes.append("A mail that is attached cannot be written out again; it is in the original.")
        return
    found.files.append(File(_filename(part) or f"{subject or 'mail'}.eml", "message/rfc822", content))


def _keep_report(part: Message, found: _Found) -> None:
    """The machine-readable part of a report: what it says of a mail of ours, as text."""
    lines: list[str] = []
    for block in _children(part):
        found.returned_ids += values.ids(block, "Original-Message-ID")
        for name in _REPORTED:
            found.reported += [one for value in values.all_raw(block, name) for one in _addresses_in(value)]
        lines += [*(f"{name}: {values.decode(str(value))}" for name, value in block.items()[:40]), ""]
    text = "\n".join(lines).strip()
    if text:
        found.bodies.append(_Piece(text[:10_000], is_html=False))


def _addresses_in(value: str) -> list[str]:
    """The addresses of "rfc822; bob@example.org", or of a list of them."""
    return [one.lower() for one in _ADDRESS.findall(value)[:MAX_REPORTED]]


def _content(part: Message, found: _Found) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except Exception:
        content = None
    if isinstance(content, bytes):
        return content
    found.notes.append("A part of the mail could not be decoded; it is in the original.")
    return b""


def _filename(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except Exception:
        return "file"
    return values.decode(str(name))[:255]


def _default_name(kind: str, number: int) -> str:
    endings = {
        "image/png": ".png",
        "image/jpeg": ".jpg",
        "image/gif": ".gif",
        "text/html": ".html",
        "text/plain": ".txt",
    }
    return f"part{number}{endings.get(kind, '')}"


def _ids_in(content: bytes) -> tuple[str, ...]:
    return values.ids(BytesParser(policy=_POLICY).parsebytes(content[:65_536], headersonly=True), "Message-ID")


def glimpse(raw: bytes) -> tuple[str, str]:
    """From and Subject of a mail that cannot be read, as far as they can be told; never raises."""
    try:
        message = BytesParser(policy=_POLICY).parsebytes(raw[:65_536], headersonly=True)
        return values.decoded(message, "From")[:300], values.decoded(message, "Subject")[:300]
    except Exception:
        return "", ""
