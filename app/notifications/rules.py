"""Words of notifications. Pure."""

from __future__ import annotations

from collections.abc import Sequence

MOST_SHOWN = 99
LONGEST_SUBJECT = 200


def what(*, author: str, is_own: bool) -> str:
    """What a reader did: a pixel and a link say that it is likely, not that it is so."""
    whose = "your reply" if is_own else f"{author}'s reply" if author else "the reply"
    return f"likely read {whose} in"


def shown(count: int) -> str:
    """A count as the bell has room for it: "7", "99+"."""
    return f"{MOST_SHOWN}+" if count > MOST_SHOWN else str(count)


def mail_subject(words: str) -> str:
    """The words of a notification on one line of a mail's head."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


def mail_text(words: str, *, url: str | None, profile: str | None) -> str:
    """The body of the mail that tells of one notification. url, profile: None where PORTAL_URL is not set."""
    parts: Sequence[str | None] = (
        f"{words}.",
        url,
        "Likely, because a mail program that loads images or opens a link looks like a person who does.",
        "You get this mail because you asked for it in your profile" + (f": {profile}" if profile else "."),
    )
    return "\n\n".join(part for part in parts if part)
