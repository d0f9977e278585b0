"""Whether a mail that came in is a bounce or a complaint, and what it tells. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.hookspecs import ArrivedMail
from plugins.delivery.bounces import arf, dsn, plain
from plugins.delivery.bounces.found import Returned, Told
from plugins.delivery.bounces.marks import HEADER

HEADERS_OF = frozenset({"text/rfc822-headers", "message/global-headers", *arf.MAILS})
MOST_HEADER_BYTES = 65_536
MOST_IDS = 20
_DAEMON = re.compile(
    r"(?:mailer-?daemon|postmaster|mail-?daemon|mdaemon|bounces?|auto-?reply-?daemon)(?:[-+.].*)?", re.I
)
_ID = re.compile(r"<([!-;=?-~]{1,120}@[!-;=?-~]{1,120})>")
_LINE = re.compile(
    rf"^[ \t>]*({re.escape(HEADER)}|Message-ID|X-Original-Message-ID)[ \t]*:[ \t]*(\S[^\n]{{0,500}})", re.I | re.M
)


@dataclass(frozen=True)
class Reading:
    """A bounce mail or complaint as it was read."""

    told: Sequence[Told]
    returned: Returned


def read(mail: ArrivedMail, *, is_ours: Callable[[str], bool], is_answer: bool) -> Reading | None:
    """What a mail tells of a mail of ours; None for one that is no report.

    is_ours: whether a value of our own header is signed by us. is_answer: it went to an address that only answers an
    envelope of ours: what comes there from a mail server is about that very mail.
    """
    types = {part.content_type for part in mail.parts}
    report = _report_type(mail)
    if report == "feedback-report" or (arf.TYPE in types and mail.kind == "complaint"):
        told = [one for part in mail.parts if part.content_type == arf.TYPE for one in arf.read(part.content)]
        return Reading(told, returned(mail)) if told else None
    if report == "disposition-notification" or mail.kind == "receipt":
        return None
    is_null = is_from_nobody(mail)
    if types & dsn.TYPES and (report == "delivery-status" or is_null):
        told = [one for part in mail.parts if part.content_type in dsn.TYPES for one in dsn.read(part.content)]
        if told:
            return Reading(told, returned(mail))
        if report == "delivery-status" and not is_null:
            return None
    if arf.is_bare(mail):
        found = returned(mail)
        return Reading(arf.bare(), found) if any(is_ours(one) for one in found.marks) else None
    if not is_null or (mail.kind == "auto_reply" and not _is_daemon(mail) and not is_answer):
        return None
    if _says_it_is_automatic(mail):
        return None
    told = plain.read(mail)
    return Reading(told, returned(mail)) if told else None


def is_from_nobody(mail: ArrivedMail) -> bool:
    """Whether it comes from a mail server: by its sender, or with the empty envelope sender that bounces have."""
    return _is_daemon(mail) or any(
        name.lower() == "return-path" and value.strip() == "<>" for name, value in mail.headers
    )


def is_from_desk(mail: ArrivedMail) -> bool:
    """Whether it may be a bare complaint."""
    return arf.is_bare(mail)


def returned(mail: ArrivedMail) -> Returned:
    """What it gives back of the mail that it tells of: whole, its headers, or words that quote them; then what it says
    that it answers."""
    marks: list[str] = []
    ids: list[str] = []
    for name, value in _returned_fields(mail):
        if name == HEADER.lower():
            marks.append(value.strip()[:100])
        else:
            ids += _ID.findall(value)
    ids += [found for one in mail.answers for found in _ID.findall(one)]
    return Returned(tuple(dict.fromkeys(marks))[:MOST_IDS], tuple(dict.fromkeys(ids))[:MOST_IDS])


def _returned_fields(mail: ArrivedMail) -> Iterator[tuple[str, str]]:
    wanted = {HEADER.lower(), "message-id", "x-original-message-id", "original-message-id"}
    texts: list[bytes] = []
    for part in mail.parts:
        if part.content_type in HEADERS_OF:
            head = re.split(rb"\r?\n\r?\n", part.content[:MOST_HEADER_BYTES], maxsplit=1)[0]
            for block in dsn.blocks(head):
                yield from ((name, block[name]) for name in wanted if name in block)
            texts.append(part.content[:MOST_HEADER_BYTES])
        elif part.content_type in dsn.TYPES or part.content_type == arf.TYPE:
            for block in dsn.blocks(part.content):
                yield from ((name, block[name]) for name in wanted if name in block)
    if not texts:
        yield from ((name.lower(), value) for name, value in _LINE.findall(plain.text_of(mail)))
    yield from _own_fields(mail.headers)


def _own_fields(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if name.lower() in {"x-original-message-id", "original-message-id"}:
            yield name.lower(), value


def _report_type(mail: ArrivedMail) -> str:
    given = next((value for name, value in mail.headers if name.lower() == "content-type"), "").lower()
    if not given.startswith("multipart/report"):
        return ""
    found = re.search(r"report-type\s*=\s*\"?([a-z-]{1,40})", given)
    return found[1].removeprefix("global-") if found else ""


def _is_daemon(mail: ArrivedMail) -> bool:
    return _DAEMON.fullmatch(mail.sender.partition("@")[0]) is not None


def _says_it_is_automatic(mail: ArrivedMail) -> bool:
    """Whether it is an absence note and not a bounce: both have an empty envelope sender."""
    said = {name.lower(): value.lower() for name, value in mail.headers}
    return (
        said.get("auto-submitted", "").startswith("auto-replied")
        and not _is_daemon(mail)
        and "x-failed-recipients" not in said
    ) or said.get("precedence", "") == "auto_reply"
