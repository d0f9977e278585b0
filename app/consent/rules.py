"""Who is tracked: a pure decision, and its words.

Of our own settings the nearest wins: message, contact (as far as we set what an unknown one means), department, module.
A refusal is not ours to set aside: it wins over all of them. And a module records nothing that its switches turn off.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from app.consent.models import UNDECIDED, Decision, DepartmentPolicy, Outlook, Tracking
from app.hookspecs import TRACKED_KINDS, TrackingPolicy

DECISIONS = ("unknown", "allowed", "refused")
SOURCES = ("agent", "page", "api", "import")
POLICIES = {
    "inherit": "As the modules are set",
    "both": "Opens and links",
    "opens": "Opens only",
    "clicks": "Links only",
    "off": "Nothing",
}
"""What a department may say, in words."""
KINDS = {
    "both": TRACKED_KINDS,
    "opens": frozenset({"opens"}),
    "clicks": frozenset({"clicks"}),
    "off": frozenset[str](),
}
SHOWN = 3
"""Recipients that the composer names as exceptions."""


def decide(
    module: TrackingPolicy, department: DepartmentPolicy | None, contact: Decision | None, message: bool | None
) -> Tracking:
    """What one recipient's copy may report.

    module: what the modules want. department: of the ticket. contact: None where the recipient is no contact.
    message: what who sends it said; None for nothing.
    """
    contact = contact or UNDECIDED
    if contact.decision == "refused":
        return _nothing(decided(contact))
    if message is False:
        return _nothing("turned off for this reply")
    if not module.able:
        return _nothing("tracking is switched off in the module's settings")
    own = department is not None and department.tracking in KINDS
    if own and department is not None:
        wanted, where = KINDS[department.tracking], f"as the department {department.name} is set"
    else:
        wanted, where = module.by_default, "as the module is set"
    kinds = wanted & module.able
    if message or contact.decision == "allowed":
        # Both say "yes" and not what: where nothing was to be tracked, that is all the module can.
        kinds = kinds if wanted else module.able
        where = "chosen for this reply" if message else decided(contact)
    elif contact.decision == "unknown" and not module.unknown:
        return _nothing("the contact has not allowed it")
    if kinds:
        return Tracking("opens" in kinds, "clicks" in kinds, where)
    if own and department is not None:
        return _nothing(
            f"off for the department {department.name}"
            if not wanted
            else f"the department {department.name} wants {kind_words(wanted)} only, which the module leaves out"
        )
    return _nothing("off in the module's settings")


def _nothing(why: str) -> Tracking:
    return Tracking(False, False, why)


def kind_words(kinds: frozenset[str]) -> str:
    """ "opens and links"."""
    return " and ".join(word for kind, word in (("opens", "opens"), ("clicks", "links")) if kind in kinds)


def day(at: datetime) -> str:
    """ "3 May 2026", in UTC: as it is kept for years."""
    return at.astimezone(UTC).strftime("%-d %b %Y")


def decided(decision: Decision) -> str:
    """What was decided, when and where that comes from: "refused on 3 May 2026 by the opt-out page"."""
    if decision.at is None:
        return "not decided"
    verb = {"allowed": "allowed", "refused": "refused"}.get(decision.decision, "set back to not decided")
    by = f" ({decision.by})" if decision.by else ""
    where = {
        "page": "by the opt-out page",
        "agent": f"as {decision.by or 'an agent'} noted",
        "api": f"through the API{by}",
        "import": f"by an import{by}",
    }.get(decision.source, "")
    return f"{verb} on {day(decision.at)} {where}".rstrip()


def sentence(words: str) -> str:
    """The words of a decision as a sentence."""
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def outlook(
    module: TrackingPolicy,
    department: DepartmentPolicy | None,
    readers: Sequence[tuple[str, Decision | None]],
    notice: str,
) -> Outlook:
    """What the composer says. readers: address and decision of each; none counts as one unknown reader.

    notice: the modules' own words for all that they track.
    """
    known = readers or [("", None)]
    plain = [(email, decide(module, department, contact, None)) for email, contact in known]
    asked = [(email, decide(module, department, contact, True)) for email, contact in known]
    is_default = any(one.kinds for _, one in plain)
    shown = plain if is_default else asked
    kinds = frozenset[str]().union(*(one.kinds for _, one in shown))
    on = notice if kinds == module.able else kind_words(kinds)
    without = [(email, one.why) for email, one in shown if not one.kinds]
    if kinds and without:
        on += ". " + "; ".join(f"Off for {email}: {why}" for email, why in without[:SHOWN])
        on += f"; and {len(without) - SHOWN} more" if len(without) > SHOWN else ""
    reasons = list(dict.fromkeys(one.why for _, one in plain))
    off = "you turned it off for this reply" if is_default else "; ".join(reasons[:SHOWN])
    return Outlook(is_default, can_switch=bool(kinds), on=on, off=off)
