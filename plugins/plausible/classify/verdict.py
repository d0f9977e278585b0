"""From the classes of the requests to the verdict on the mail. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from plugins.plausible.classify.model import (
    PERSONS,
    READ_FROM,
    Class,
    Context,
    Judgement,
    Request,
    State,
    Verdict,
)

PENDING_WITHIN = 10.0
"""Seconds after delivery in which a click may be the first of a scanner's."""
PENDING_FOR = timedelta(seconds=30)

MACHINE_WORDS = {
    Class.PRIVACY_PREFETCH: "{who} loads images ahead: this does not say that a person read it.",
    Class.PREVIEW: "A link card was drawn: somebody passed a link on, but who read what is open.",
    Class.SCANNER: "A mail scanner checked it: this does not say that a person read it.",
    Class.BOT: "A program loaded it: this does not say that a person read it.",
}
"""In this order: the first kind that occurs is named."""
_UNSURE = 0.6
"""A machine no surer than this may have been a person."""


def conclude(
    context: Context,
    requests: Sequence[Request],
    judgements: tuple[Judgement, ...],
    *,
    delivered: float | None,
    now: datetime | None,
) -> Verdict:
    """delivered: Unix seconds. The requests may be in any order; the judgements are in the same."""
    pending: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None
    proof = ""
    discounted = False
    shared, forwarded = context.shared_with_agent, context.agent_forwarded_at
    for request, judgement in zip(requests, judgements, strict=True):
        if judgement.confidence < READ_FROM or judgement.kind not in PERSONS:
            continue
        at = request.at
        if now is not None and request.kind == "click":
            settled = _settles_at(at, delivered)
            if settled is not None and now < settled:
                pending = settled if pending is None or settled > pending else pending
                continue
        # Somebody at our end, or whom an agent sent it to, may have been the reader.
        if shared or (forwarded is not None and at > forwarded):
            discounted = True
            continue
        if first is None or at < first or (at == first and judgement.reason < proof):
            first, proof = at, judgement.reason
        if last is None or at > last:
            last = at
    if context.replied_at is not None and not context.reply_automatic:
        return Verdict(True, State.REPLIED, "The recipient answered.", judgements, first, last, pending)
    if first is not None:
        return Verdict(True, State.READ, _read_words(proof, judgements), judgements, first, last, pending)
    kinds = {judgement.kind for judgement in judgements}
    machine = next((kind for kind in MACHINE_WORDS if kind in kinds), None)
    open_question = (
        not judgements
        or discounted
        or pending is not None
        or any(_tells_nothing(judgement) for judgement in judgements)
    )
    state = State.NONE if machine is None else State.MACHINE
    return Verdict(
        None if open_question else False,
        state,
        _silent_words(machine, judgements, discounted, pending),
        judgements,
        pending_until=pending,
    )


def _settles_at(at: datetime, delivered: float | None) -> datetime | None:
    """When a click at that time stops being pending; None where it never was."""
    if delivered is None or not 0 <= at.timestamp() - delivered < PENDING_WITHIN:
        return None
    return at + PENDING_FOR


def _tells_nothing(judgement: Judgement) -> bool:
    """Whether a request leaves it open if a person read the mail. Gmail's, which a display would follow, does not."""
    if judgement.kind is Class.PRIVACY_PREFETCH:
        return judgement.rule != "gmail-ahead"
    return judgement.kind is Class.PREVIEW or (judgement.kind is Class.BOT and judgement.confidence <= _UNSURE)


def _read_words(proof: str, judgements: Sequence[Judgement]) -> str:
    words = f"Read: {proof}."
    if any(judgement.kind is Class.PRIVACY_PREFETCH for judgement in judgements):
        words += " What was loaded ahead before counts for nothing."
    return words


def _silent_words(
    machine: Class | None, judgements: Sequence[Judgement], discounted: bool, pending: datetime | None
) -> str:
    if pending is not None:
        return "A link was followed just after delivery: whether by a person shows in half a minute."
    if discounted:
        return "Opened, but an agent has a copy with the same marks, or passed one on."
    if machine is not None:
        apple = any(judgement.rule in ("apple-relay", "apple-ahead") for judgement in judgements)
        return MACHINE_WORDS[machine].format(who="Apple Mail" if apple else "The mail service")
    return "Opened by ourselves only." if judgements else "Nothing was loaded: unread, or read without images."
