"""From the rows of a reply's copies to one badge. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.receipts.fates import FATES
from app.receipts.models import Badge, Copy, CopyState, Judgement

SEEN = ("machine", "read")
"""What plugins may report of reading; the newest report counts, also where it says less."""
RECEIPTS = frozenset({*FATES, *SEEN})
CORE_STATES = frozenset({"queued", "sent", "failed", "unknown", "untracked", "replied"})
"""What the portal itself knows of a copy."""
VIEWED = "viewed"
"""What is stored of a copy that its recipient read on the ticket page: the portal knows that itself, so it is shown as
'read' whatever plugins there are."""
VERDICTS = ("read", "unread")
"""What an agent may say of a copy in place of what a plugin says."""
STATES = CORE_STATES | RECEIPTS

WORST_FIRST = (
    "failed", "bounced", "complained", "unknown",
    "replied", VIEWED, "read", "queued", "machine", "delivered", "sent", "untracked",
)  # fmt: skip
"""Which state stands for several: the worst, then the best that is known."""
OF_SENDING = {
    "queued": "queued",
    "claimed": "queued",
    "retry": "queued",
    "sending": "queued",
    "sent": "sent",
    "unknown": "unknown",
    "failed": "failed",
}
WORDS = {
    "queued": "Queued",
    "sent": "Sent",
    "delivered": "Delivered",
    "machine": "Opened by a machine",
    "read": "Read",
    "replied": "Replied",
    "bounced": "Bounced",
    "failed": "Failed",
    "complained": "Marked as spam",
    "unknown": "Perhaps sent",
    "untracked": "Not tracked",
}
_REASON_LENGTH = 60


def state_of(copy: CopyState, visible: frozenset[str]) -> str:
    """What is shown of one copy.

    visible: the states that may be shown, as `service.visible_states` gives them. A receipt beats the state of
    sending, because an open proves that a copy of unknown outcome arrived; one that no enabled plugin names is left
    out. "Not tracked" needs a plugin that could have tracked: without one, nothing is missing.
    """
    if copy.receipt == VIEWED:
        return "read"
    if copy.receipt is not None and copy.receipt in visible:
        return copy.receipt
    state = OF_SENDING[copy.state]
    return "untracked" if state == "sent" and not copy.tracked and "read" in visible else state


def moment_of(copy: Copy, state: str) -> datetime | None:
    """When the copy came into the state shown; None while it is queued."""
    if state in RECEIPTS or state == "replied":
        return copy.receipt_at
    return copy.sent_at if state in {"sent", "untracked"} else None


def correction_of(copy: Copy, state: str, visible: frozenset[str]) -> str:
    """The verdict that an agent would give where the state shown is wrong; '' where none would change it."""
    if copy.judged is not None or "read" not in visible:
        return ""
    if state == "read":
        return "unread"
    return "read" if state in {"sent", "delivered", "machine", "untracked"} else ""


def word_of(copy: Copy, state: str) -> str:
    """The words for one copy: its state, for a failure or a bounce the reason in short, and where nothing better is
    known that it is delayed."""
    if is_delayed(copy, state):
        return "Delayed"
    return _with_reason(WORDS[state], copy, state) if state in {"failed", "bounced"} else WORDS[state]


def is_delayed(copy: Copy, state: str) -> bool:
    """Whether a mail server said that it tries again, and nothing since says how that ended."""
    return copy.delayed_at is not None and copy.fate is None and state in {"sent", "untracked"}


def fate_words(copy: Copy) -> str:
    """What became of the mail, for the timeline: "Bounced: mailbox full"."""
    return _with_reason(WORDS[copy.fate.state], copy, copy.fate.state) if copy.fate else ""


def judged_words(judged: Judgement) -> str:
    """What an agent did: "Marked as not read by Ada"."""
    return f"Marked as {'read' if judged.verdict == 'read' else 'not read'} by {judged.by}"


def viewed_words(moment: str) -> str:
    """Why a copy counts as read that was read on the ticket page. moment: "10:32", or a date such as "3 May"."""
    return f"Read on the ticket page {'at' if ':' in moment else 'on'} {moment}."


def overall(copies: Iterable[CopyState], visible: frozenset[str]) -> str:
    """The state that stands for all copies of a reply. Raises ValueError for no copies."""
    found = {state_of(copy, visible) for copy in copies}
    if not found:
        raise ValueError("a badge needs at least one copy; a reply that was not mailed has none")
    return next(state for state in WORST_FIRST if state in found)


def summarise(copies: Sequence[Copy], visible: frozenset[str]) -> Badge:
    """One badge for all copies of a reply. Raises ValueError for no copies."""
    state = overall(copies, visible)
    shown = [(copy, state_of(copy, visible)) for copy in copies]
    match state:
        case "failed" | "bounced" | "complained" | "unknown":
            return _worst(state, shown)
        case "replied" | "read":
            return _counted(state, shown, "by")
        case "delivered":
            return _counted(state, shown, "to")
        case "queued":
            return _under_way(shown)
        case "machine":
            return Badge(state, WORDS[state], _first(shown, {state}))
        case _:
            return Badge(state, WORDS[state], _last(shown, {"sent", "untracked"}))


def shown_as(stored: str, visible: frozenset[str]) -> str:
    """What a ticket list shows for a `tickets.last_receipt`, which is stored as if every state were visible."""
    if stored == VIEWED:
        return "read"
    hidden = stored in RECEIPTS and stored not in visible
    return "sent" if hidden or (stored == "untracked" and "read" not in visible) else stored


def stored_for(shown: str, visible: frozenset[str]) -> frozenset[str]:
    """The values of `tickets.last_receipt` that a list shows as `shown`; for filters."""
    return frozenset(state for state in (*STATES, VIEWED) if shown_as(state, visible) == shown)


Shown = Sequence[tuple[Copy, str]]


def _worst(state: str, shown: Shown) -> Badge:
    found = [copy for copy, its in shown if its == state]
    word = WORDS[state]
    if len(shown) > 1:
        word = f"{word}: {len(found)} of {len(shown)}"
    elif state in {"failed", "bounced"}:
        word = _with_reason(word, found[0], state)
    return Badge(state, word, _first(shown, {state}))


def _counted(state: str, shown: Shown, preposition: str) -> Badge:
    """Of a copy that is not tracked nobody knows whether it was read, so it is not among those that could be."""
    count = sum(its == state for _, its in shown)
    of = len(shown) if state == "delivered" else sum(its != "untracked" for _, its in shown)
    if count < of:
        word = f"{WORDS[state]} {preposition} {count} of {of}"
    else:
        word = f"All {state}" if count > 1 else WORDS[state]
    return Badge(state, word, _first(shown, {state}))


def _under_way(shown: Shown) -> Badge:
    gone = sum(state != "queued" for _, state in shown)
    return Badge("queued", f"Sent to {gone} of {len(shown)}" if gone else WORDS["queued"])


def _first(shown: Shown, states: set[str]) -> datetime | None:
    return min(_moments(shown, states), default=None)


def _last(shown: Shown, states: set[str]) -> datetime | None:
    return max(_moments(shown, states), default=None)


def _moments(shown: Shown, states: set[str]) -> list[datetime]:
    moments = [moment_of(copy, state) for copy, state in shown if state in states]
    return [moment for moment in moments if moment is not None]


def _with_reason(word: str, copy: Copy, state: str) -> str:
    said = copy.smtp_text if state == "failed" else copy.fate.short if copy.fate and state == "bounced" else ""
    reason = " ".join(said.split())
    if len(reason) > _REASON_LENGTH:
        reason = reason[: _REASON_LENGTH - 1].rstrip() + "…"
    return f"{word}: {reason}" if reason else word
