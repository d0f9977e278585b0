"""Bounces that are words for people: Exim, qmail, and whatever flufl.bounce knows. Pure."""

from __future__ import annotations

import logging
import re
from email import message_from_bytes

from flufl.bounce import all_failures

from app.hookspecs import ArrivedMail
from plugins.delivery.bounces.found import Told, failed, one_line

MOST_TEXT = 64_000
"""Characters of the words that are looked at, and bytes that the library is given."""
_DELAYED = re.compile(
    r"has not yet been delivered|not been delivered .{0,60}\byet\b|delivery (?:is|has been) delayed|"
    r"message .{0,60} delayed \d+ hours|will be (?:re)?tried|no action is required on your part|"
    r"still (?:be )?(?:trying|attempting) to deliver|could not be delivered for more than",
    re.IGNORECASE | re.DOTALL,
)
_GIVEN_UP = re.compile(r"permanent error|giving up|failed permanently|gave up|given up", re.IGNORECASE)
_QMAIL = re.compile(r"\A\s*Hi\. This is the .{0,200}?\bprogram at\b", re.IGNORECASE | re.DOTALL)
_QMAIL_END = re.compile(r"^--- (?:Below this line|Enclosed)", re.MULTILINE)
_QMAIL_ENTRY = re.compile(r"^<([^<>\s]{1,320})>:[ \t]*\n(.{1,2000}?)(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)
_EXIM_END = re.compile(r"^-{3,} This is a copy", re.MULTILINE)
_EXIM_ENTRY = re.compile(r"^ {1,4}(\S{1,320}@\S{1,255})[ \t]*\n((?: {2,}.{0,400}\n?){0,12})", re.MULTILINE)

# What it logs of a mail that it cannot read is the sender's matter, not ours.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)


def read(mail: ArrivedMail) -> list[Told]:
    """What a bounce without a machine-readable part tells; nothing where nobody knows."""
    words = text_of(mail)
    if _QMAIL.search(words[:2000]):
        return _qmail(words)
    if is_delayed(mail, words):
        return [Told("deferred", words=_delay_words(words))]
    return _exim(mail, words) or _others(mail)


def is_delayed(mail: ArrivedMail, words: str) -> bool:
    """Whether a mail server only says that it tries again: it names the recipient just as a bounce does."""
    subject = mail.subject.lower()
    hinted = subject.startswith("warning") or "delayed" in subject or "delay" in subject
    return bool(_DELAYED.search(words[:8000])) and (hinted or not _GIVEN_UP.search(words[:8000]))


def text_of(mail: ArrivedMail) -> str:
    """The words for people, the mail that is returned below them among them."""
    found = [part.content for part in mail.parts if part.content_type == "text/plain"]
    found = found or [part.content for part in mail.parts if part.content_type == "text/html"]
    text = b"\n".join(found)[: MOST_TEXT * 2].decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")[:MOST_TEXT]


def _qmail(words: str) -> list[Told]:
    end = _QMAIL_END.search(words)
    head = words[: end.start()] if end else words
    return [failed("", address=address, words=said) for address, said in _QMAIL_ENTRY.findall(head)[:50]]


def _exim(mail: ArrivedMail, words: str) -> list[Told]:
    """Exim names the recipients in a header, and its reasons below each in the words."""
    named = next((value for name, value in mail.headers if name.lower() == "x-failed-recipients"), "")
    addresses = [one.strip() for one in named[:4000].split(",") if "@" in one][:50]
    if not addresses:
        return []
    end = _EXIM_END.search(words)
    head = words[: end.start()] if end else words
    said = {address.strip("<>:").lower(): text for address, text in _EXIM_ENTRY.findall(head)[:50]}
    return [failed("", address=one, words=said.get(one.lower(), "") or one_line(head)[:300]) for one in addresses]


def _others(mail: ArrivedMail) -> list[Told]:
    try:
        temporary, permanent = all_failures(message_from_bytes(mail.raw[:MOST_TEXT]))
    except Exception:
        # Made for what mailing lists got over the years; it raises for what nobody thought of.
        return []
    words = one_line(text_of(mail))[:300]
    told = [failed("", address=_decoded(one), words=words) for one in sorted(permanent)[:50]]
    told += [Told("bounced", "soft", _decoded(one), words=words) for one in sorted(temporary)[:50]]
    return [one for one in told if "@" in one.address]


def _decoded(address: bytes | str) -> str:
    text = address.decode("utf-8", "replace") if isinstance(address, bytes) else address
    return text.strip().strip("<>")[:320]


def _delay_words(words: str) -> str:
    found = _DELAYED.search(words)
    start = max(0, words.rfind("\n\n", 0, found.start())) if found else 0
    return one_line(words[start : start + 600])[:300]
