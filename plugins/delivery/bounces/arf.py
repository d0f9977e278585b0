"""Complaints that mailbox providers pass on: RFC 5965, and the bare mail that some send instead. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.hookspecs import ArrivedMail
from plugins.delivery.bounces import dsn
from plugins.delivery.bounces.found import Fate, Told

TYPE = "message/feedback-report"
MAILS = frozenset({"message/rfc822", "message/global"})
_KINDS: dict[str, Fate | None] = {
    "not-spam": None,
    "auth-failure": None,
    "opt-out": "unsubscribed",
    "opt-out-list": "unsubscribed",
}
"""auth-failure (RFC 6591): a check of DKIM, SPF or DMARC failed; nobody complained."""
_DESKS = re.compile(r"(?:abuse|complaints?|fbl|feedback-?loop|feedback|staff|scomp|spam-?reports?)(?:[-+.].*)?", re.I)
_REDACTED = re.compile(r"redacted|hidden|removed|anonym|\*{3}|x{5}", re.IGNORECASE)


def read(content: bytes) -> list[Told]:
    """What a feedback report tells; nothing for one that takes a complaint back, or is none."""
    for block in dsn.blocks(content):
        kind = block.get("feedback-type", "").strip().lower()
        if not kind:
            continue
        fate = _KINDS.get(kind, "complained")
        if fate is None:
            return []
        given = [block.get(name, "") for name in ("original-rcpt-to", "removal-recipient")]
        address = next((one for value in given if (one := dsn.address_of(value))), "")
        return [Told(fate, address="" if _REDACTED.search(address) else address, words=f"Feedback report: {kind[:40]}")]
    return []


def is_bare(mail: ArrivedMail) -> bool:
    """Whether a mail with nothing but ours in it comes from a desk that passes complaints on.

    Only a mark of ours in what it holds makes it one; a customer who forwards a mail of ours writes from elsewhere.
    """
    local, _, _ = mail.sender.partition("@")
    return _DESKS.fullmatch(local) is not None and any(part.content_type in MAILS for part in mail.parts)


def bare() -> Sequence[Told]:
    """What such a mail tells."""
    return (Told("complained", words="Passed on as spam by the mailbox provider"),)
