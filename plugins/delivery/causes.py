"""Why a mail did not arrive, from a status code and the words of who told it: in short, and what to do. Pure.

Codes: RFC 3463 and the IANA registry of enhanced status codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")


@dataclass(frozen=True)
class Cause:
    """short: behind "Bounced:" on the badge. words: what it means and what to do, in sentences."""

    short: str
    words: str


_ASK = "Check the spelling, or ask the customer in another way for the right address."
UNKNOWN_BOX = Cause("mailbox unknown", f"The mail server there knows no such mailbox. {_ASK}")
UNKNOWN_HOST = Cause("domain unknown", f"What stands behind the @ takes no mail, or does not exist. {_ASK}")
DISABLED = Cause("mailbox disabled", "The mailbox is closed or blocked there. Ask the customer for another address.")
FULL = Cause("mailbox full", "The mailbox has no room. Try again in some days, or reach the customer in another way.")
LARGE = Cause(
    "mail too large", "The mail is larger than the mail server there takes. Send it without files, or smaller."
)
SPAM = Cause(
    "refused by a filter",
    "The mail server there took it for unwanted mail, or does not trust ours. Ask the customer to let your address "
    "through; tell an admin when it happens with several customers.",
)
PROOF = Cause(
    "sender not trusted",
    "The mail server there could not verify that the mail is from us. An admin should check SPF, DKIM and DMARC.",
)
CONTENT = Cause("content refused", "The mail server there does not take what is in the mail. Send it without files.")
ROUTE = Cause(
    "mail server not reached",
    "The mail server there could not be reached for days. Check the address, or reach the customer in another way.",
)
LATE = Cause(
    "not taken in time", "It was tried until the time for it was over. Send again, or reach the customer otherwise."
)
BROKEN = Cause("mail server failed", "The mail server there has a fault. Try again later.")
LISTED = Cause(
    "held back by the provider",
    "Your mail provider has the address on a list of its own and did not send. Remove it there once it works again.",
)
NOT_SENT = Cause("not sent by the provider", "Your mail provider did not send the mail. An admin should look there.")
HARD = Cause("refused for good", f"The mail server there refuses mail to this address. {_ASK}")
SOFT = Cause("refused for now", "The mail server there did not take it this time. Try again later.")
COMPLAINT = Cause(
    "marked as spam", "The recipient marked this mail as spam. Write again only if they ask you to, in another way."
)

_BY_CODE: dict[tuple[int, int], Cause] = {
    (1, 0): UNKNOWN_BOX, (1, 1): UNKNOWN_BOX, (1, 2): UNKNOWN_HOST, (1, 3): UNKNOWN_BOX, (1, 4): UNKNOWN_BOX,
    (1, 6): UNKNOWN_BOX, (1, 10): UNKNOWN_HOST, (1, 7): PROOF, (1, 8): PROOF,
    (2, 0): HARD, (2, 1): DISABLED, (2, 2): FULL, (2, 3): LARGE,
    (3, 0): BROKEN, (3, 1): FULL, (3, 2): BROKEN, (3, 4): LARGE,
    (4, 1): ROUTE, (4, 2): ROUTE, (4, 3): ROUTE, (4, 4): UNKNOWN_HOST, (4, 6): ROUTE, (4, 7): LATE,
    (5, 3): SPAM,
    (7, 0): SPAM, (7, 1): SPAM, (7, 2): SPAM,
    (7, 20): PROOF, (7, 21): PROOF, (7, 22): PROOF, (7, 23): PROOF, (7, 24): PROOF, (7, 25): PROOF, (7, 26): PROOF,
    (7, 27): PROOF, (7, 28): SPAM,
}  # fmt: skip
_BY_WORDS: tuple[tuple[Cause, str], ...] = (
    (LISTED, r"suppress|on (?:our|the) (?:bounce|block|suppression) ?list|previously bounced"),
    (FULL, r"mailbox (?:is )?full|over ?quota|quota exceeded|out of storage|insufficient (?:system )?storage"),
    (DISABLED, r"disabled|deactivated|inactive|suspended|no longer (?:active|available|works|in use)"),
    (
        UNKNOWN_BOX,
        r"no such (?:user|mailbox|recipient|address)|user (?:is )?unknown|unknown (?:user|recipient|address)",
    ),
    (UNKNOWN_BOX, r"does ?n[o']t exist|not (?:a )?(?:known|valid) (?:user|recipient|mailbox)|no mailbox here"),
    (UNKNOWN_BOX, r"recipient (?:address )?(?:rejected|not found)|invalid recipient|user not found"),
    (UNKNOWN_BOX, r"recipientnotfound|not found by smtp address lookup"),
    (UNKNOWN_BOX, r"mailbox (?:not found|unavailable)"),
    (
        UNKNOWN_HOST,
        r"domain (?:not found|does not exist)|host (?:or domain name )?not found|nxdomain|no mx|unrouteable",
    ),
    (PROOF, r"\bspf\b|\bdkim\b|\bdmarc\b|not authenticated|unauthenticated"),
    (SPAM, r"spam|block(?:ed|list)|blacklist|reputation|policy|junk|unsolicited"),
    (LARGE, r"too large|too big|size limit|exceeds? .{0,30}size"),
    (ROUTE, r"timed? ?out|retry time|connection refused|could not connect|delivery time expired"),
)
_PATTERNS = [(cause, re.compile(words, re.IGNORECASE)) for cause, words in _BY_WORDS]
NOT_THE_ADDRESS = frozenset({(1, 7), (1, 8), (2, 2), (2, 3), (4, 1), (4, 2), (4, 3), (4, 5), (4, 6), (4, 7)})
"""Permanent failures that say nothing against the address: of the sender, the mail, or the way to the mail server."""
NOT_THE_ADDRESS_IN_WORDS = frozenset({FULL, LARGE, SPAM, PROOF, CONTENT, ROUTE, LATE, BROKEN, LISTED})
AMBIGUOUS = frozenset({(1, 10), (4, 1)})
"""A domain without mail, and a server that does not answer; of Exchange Online also a mailbox that it does not know."""
Status = tuple[int, int, int]


def status_of(*texts: str) -> Status | None:
    """The enhanced status code in some texts, the surest first: "550 5.1.1 no such user" gives (5, 1, 1).

    One that says what happened goes before one that only says that something did.
    """
    found = [(int(one[1]), int(one[2]), int(one[3])) for text in texts for one in _STATUS.finditer(text[:4000])]
    return next((one for one in found if not _is_vague(one)), found[0] if found else None)


def _is_vague(status: Status) -> bool:
    """5.0.0 and 5.5.0 are what a mail server writes that was told no code; 5.0.350 is Exchange Online's."""
    return status[1] == 0 or status[1:] == (5, 0)


def is_hard(status: Status | None, words: str) -> bool:
    """Whether a failure speaks against the address for good. A full mailbox, a mail that is too large, the way to the
    mail server and its own faults (x.3.x), its content (x.6.x) and a filter's policy (x.7.x) do not."""
    if status is None or (status[0] == 5 and _is_vague(status)):
        return _by_words(words) not in NOT_THE_ADDRESS_IN_WORDS
    kind, subject, detail = status
    if (subject, detail) in AMBIGUOUS and _by_words(words) is UNKNOWN_BOX:
        return kind == 5
    is_expired = subject == 4 and detail >= 300
    return kind == 5 and subject not in {3, 6, 7} and (subject, detail) not in NOT_THE_ADDRESS and not is_expired


def cause_of(kind: str, bounce: str, *, code: str, reason: str) -> Cause:
    """Why an event of this kind happened. kind: 'bounced', 'failed' or 'complained'."""
    if kind == "complained":
        return COMPLAINT
    status = status_of(code, reason)
    by_words = _by_words(reason)
    if status is not None and not (status[1:] in AMBIGUOUS and by_words is UNKNOWN_BOX):
        _, subject, detail = status
        known = _BY_CODE.get((subject, detail))
        if known is None and subject in {6, 7}:
            known = CONTENT if subject == 6 else SPAM
        if known is not None:
            return known
        if subject == 4 and detail >= 300:
            return LATE
    if by_words is not None:
        return by_words
    if kind == "failed":
        return NOT_SENT
    return HARD if bounce == "hard" else SOFT


def _by_words(words: str) -> Cause | None:
    return next((cause for cause, pattern in _PATTERNS if pattern.search(words[:2000])), None)
