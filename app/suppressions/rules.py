"""Words and checks of the list. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import get_args

from app.crypto import derive
from app.email.addresses import check_email
from app.email.errors import EmailRefused
from app.suppressions.errors import SuppressionRefused
from app.suppressions.models import Reason, Scope, Suppression
from app.web.formats import absolute

PURPOSE = "suppressions"
LONGEST_DETAIL, LONGEST_SOURCE = 500, 40
"""Characters that the columns hold."""
REASONS: dict[str, str] = {
    "hard_bounce": "Mail bounced",
    "soft_bounces": "Mail bounced several times",
    "complaint": "Marked as spam",
    "unsubscribed": "Unsubscribed",
    "manual": "Added by hand",
}
BY_WEIGHT: tuple[Reason, ...] = ("unsubscribed", "soft_bounces", "hard_bounce", "complaint", "manual")
"""The weightiest last: of several that are told of an address it is kept, in whatever order they come."""
SCOPES: dict[str, str] = {"all": "All mail", "announcements": "Announcements only"}
LINK = "link"
"""The source of what somebody decided by the link to unsubscribe in one of our mails."""
SOURCES = {
    "bounce_mail": "a report by mail",
    "agent": "an agent",
    "generic": "a script",
    LINK: "its owner, by the link in a mail of ours",
}


def normal(email: str) -> str:
    """An address as the list has it: in lower case. Mailboxes that differ by case alone do not exist in practice."""
    return email.strip().lower()


def hashes(keys: Sequence[str], email: str) -> list[bytes]:
    """What may have stayed of an erased address: its hash under each key, the present one first, and last the plain
    one that was kept of the unsubscribed before they were in this list.
    """
    written = normal(email).encode("utf-8", "replace")
    keyed = [hmac.digest(derive(key, PURPOSE), written, "sha256") for key in keys]
    return [*keyed, hashlib.sha256(written).digest()]


def check_address(email: str) -> str:
    """The address as the list has it. Raises SuppressionRefused."""
    try:
        return normal(check_email(email.strip()))
    except EmailRefused as error:
        raise SuppressionRefused(f"{str(error)[:1].upper()}{str(error)[1:]}.", "email") from None


def check_scope(scope: str) -> Scope:
    """One of SCOPES. Raises SuppressionRefused."""
    for known in get_args(Scope):
        if scope == known:
            return known  # type: ignore[no-any-return]
    raise SuppressionRefused(f"The scope must be one of {', '.join(SCOPES)}, got {scope[:40]!r}.", "scope")


def check_reason(reason: str) -> Reason:
    """One of REASONS. Raises SuppressionRefused."""
    for known in get_args(Reason):
        if reason == known:
            return known  # type: ignore[no-any-return]
    raise SuppressionRefused(f"The reason must be one of {', '.join(REASONS)}, got {reason[:40]!r}.", "reason")


def why(one: Suppression) -> str:
    """Why an address is on the list, without a full stop: "mail to it bounced on 3 May 2026 10:00: no such user"."""
    what = {
        "hard_bounce": "mail to it bounced",
        "soft_bounces": "mail to it bounced again and again",
        "complaint": "its owner marked a mail of ours as spam",
        "unsubscribed": "its owner unsubscribed",
        "manual": f"{one.added_by or 'somebody'} put it on the list",
    }[one.reason]
    detail = " ".join(one.detail.split()).rstrip(".")
    if len(detail) > 120:
        detail = f"{detail[:119].rstrip()}…"
    return f"{what} ({absolute(one.since)})" + (f": {detail}" if detail else "")


def refusal(email: str, one: Suppression) -> str:
    """Why nothing is sent to an address, and the way out, in sentences."""
    return (
        f"{email} gets no mail: {why(one)}. Use another address, or take it off the list of suppressed addresses first."
    )


QUESTIONS: dict[str, str] = {
    "hard_bounce": "Mail to it bounced for good. It gets mail again; another bounce brings it back.",
    "soft_bounces": "Mail to it bounced again and again. It gets mail again; more bounces bring it back.",
    "complaint": "Its owner marked a mail as spam. Let it get mail again only if they ask you to.",
    "unsubscribed": "Its owner wants no announcements. Let it get them again only if they ask you to.",
    "manual": "Somebody put it here. It gets again what it did not get.",
}
"""What is asked before a line is taken off, by reason."""


def listed(words: Iterable[str]) -> str:
    """Several refusals as one text."""
    return " ".join(words)
