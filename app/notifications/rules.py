"""Kinds and words of notifications. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MOST_SHOWN = 99
LONGEST_SUBJECT = 200
LONGEST_WORDS = 500

OFF, PORTAL, EMAIL = "off", "portal", "email"
CHOICES = {OFF: "Not at all", PORTAL: "In the portal", EMAIL: "In the portal and by email"}


@dataclass(frozen=True)
class Kind:
    """One kind of news."""

    key: str
    label: str
    """As a filter says it."""
    when: str
    """When it is told, for who chooses."""
    why: str
    """A sentence below its mail; '' for none."""


KINDS = {
    kind.key: kind
    for kind in (
        Kind("assigned", "Assigned to me", "Somebody, or a rule, assigns a ticket to you.", ""),
        Kind(
            "customer",
            "Customer wrote",
            "A customer writes in a ticket that is assigned to you, or that you follow.",
            "",
        ),
        Kind("mention", "Mentioned", "Somebody writes @ and your name in an internal note.", ""),
        Kind("due", "Due", "A ticket of yours, or one that you follow, is due within a day, or overdue.", ""),
        Kind("bounce", "Not delivered", "A mail in a ticket of yours, or one that you follow, did not arrive.", ""),
        Kind(
            "read",
            "Read",
            "A customer first reads your reply or follows a link in it: once for each reply, to the assignee, or "
            "to its author where nobody is. It means likely read: see the badge for the reason.",
            "Likely, because a mail program that loads images or opens a link looks like a person who does.",
        ),
    )
}

_DID = {"assigned": "assigned to you:", "customer": "wrote in", "mention": "mentioned you in"}
_ALONE = {
    "assigned": "Assigned to you:",
    "customer": "A customer wrote in",
    "mention": "You are mentioned in",
    "due": "Due:",
    "bounce": "Not delivered:",
}


def what(kind: str, *, who: str, words: str = "", author: str = "", is_own: bool = False) -> str:
    """What happened, between `who` did it ('' where nobody is named) and the ticket: "likely read your reply in".

    words: the notification's own; of a due date they are what happened. author, is_own: of a reply that was read. A
    pixel and a link say that it is likely, not that it is so.
    """
    if kind == "read":
        whose = "your reply" if is_own else f"{author}'s reply" if author else "the reply"
        return f"likely read {whose} in"
    if kind == "due" and words:
        return f"{words}:"
    return (_DID if who else _ALONE).get(kind, kind)


def chosen(told_of: Iterable[str], mailed_of: Iterable[str]) -> dict[str, str]:
    """What a user chose for each kind: OFF, PORTAL or EMAIL."""
    told, mailed = set(told_of), set(mailed_of)
    return {key: OFF if key not in told else EMAIL if key in mailed else PORTAL for key in KINDS}


def choice(given: Mapping[str, str]) -> tuple[frozenset[str], frozenset[str]]:
    """Kinds to be told, and to be mailed, of a choice for each kind; one that is left out is OFF.

    Raises ValueError for a kind or a choice that is none.
    """
    for key, value in given.items():
        if key not in KINDS:
            raise ValueError(f"a kind must be one of {', '.join(KINDS)}, got {key[:40]!r}")
        if value not in CHOICES:
            raise ValueError(f"{key} must be one of {', '.join(CHOICES)}, got {value[:40]!r}")
    told = frozenset(key for key, value in given.items() if value != OFF)
    return told, frozenset(key for key, value in given.items() if value == EMAIL)


def shown(count: int) -> str:
    """A count as the bell has room for it: "7", "99+"."""
    return f"{MOST_SHOWN}+" if count > MOST_SHOWN else str(count)


def mail_subject(words: str) -> str:
    """The words of a notification on one line of a mail's head."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


def mail_text(words: str, *, kind: str, detail: str = "", url: str | None, profile: str | None) -> str:
    """The body of the mail that tells of one notification. url, profile: None where PORTAL_URL is not set."""
    parts: Sequence[str | None] = (
        f"{words}.",
        detail,
        url,
        KINDS[kind].why if kind in KINDS else "",
        "Your profile says which of these mails you get" + (f": {profile}" if profile else "."),
    )
    return "\n\n".join(part for part in parts if part)
