"""`classify`: one copy's whole history in, a class for each request and the verdict on the mail out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from plugins.plausible.classify.lookback import Marks, find_marks
from plugins.plausible.classify.looks import Step, context_key, look_of
from plugins.plausible.classify.model import Context, CopyHistory, Judgement, Verdict
from plugins.plausible.classify.ordering import in_order
from plugins.plausible.classify.sight import newest_on
from plugins.plausible.classify.verdict import conclude

DELIVERY_TAKES = 3.0
"""Seconds from the start of a delivery to its acceptance, where only the start is known."""
CLOCK_WRONG = -2.0
"""A request this many seconds before the delivery began is no evidence of anything but a clock."""
_DAY = 86_400
_NOWHERE: frozenset[int] = frozenset()


def classify(history: CopyHistory, *, now: datetime | None = None) -> Verdict:
    """Classify every request of one copy, and the copy.

    history: the requests in any order; the result does not depend on it. now: aware; a click that is still pending
    then does not count yet. None counts everything. The cost grows with the number of requests and little more.
    """
    context, requests = history.context, history.requests
    sent = None if context.sent_at is None else context.sent_at.timestamp()
    delivered = _delivered(context, sent)
    if not requests:
        return conclude(context, requests, (), delivered=delivered, now=now)
    moments = [request.at.timestamp() for request in requests]
    order, same_as = in_order(requests, moments)
    newest = newest_on(int((moments[order[0]] if sent is None else sent) // _DAY))
    key = context_key(context, newest)
    looks = [look_of(requests[i], context, newest, key) for i in order]
    marks = find_marks([requests[i] for i in order], [moments[i] for i in order], looks, context, delivered)
    judged: list[Judgement | None] = [None] * len(requests)
    marked = frozenset().union(*marks.values()) if marks else _NOWHERE
    exact = context.delivered_at is not None
    for place, i in enumerate(order):
        look = looks[place]
        judgement = look.settled
        if judgement is None:
            elapsed = _elapsed(moments[i], sent, delivered, exact)
            judgement = _first(look.steps if place in marked else look.alone, elapsed, place, marks)
        judged[i] = judgement
    for i, twin in same_as.items():
        judged[i] = judged[twin]
    return conclude(context, requests, tuple(filter(None, judged)), delivered=delivered, now=now)


def _delivered(context: Context, sent: float | None) -> float | None:
    """When the mail can have reached the recipient at the earliest, as far as that is known."""
    if context.delivered_at is not None:
        return context.delivered_at.timestamp()
    return None if sent is None else sent + DELIVERY_TAKES


def _elapsed(moment: float, sent: float | None, delivered: float | None, exact: bool) -> float | None:
    """Seconds since delivery; None where there is no telling.

    exact: the delivery itself is known, not only when it began; only then can it be below zero.
    """
    if delivered is None or (sent is not None and moment - sent < CLOCK_WRONG):
        return None
    elapsed = moment - delivered
    return elapsed if exact or elapsed > 0 else 0.0


def _first(steps: Sequence[Step], elapsed: float | None, place: int, marks: Marks) -> Judgement:
    for before, after, mark, unless, judgement in steps:
        if mark is not None and (mark not in marks or place not in marks[mark]):
            continue
        if before is not None and (elapsed is None or elapsed >= before):
            continue
        if after is not None and (elapsed is None or elapsed < after):
            continue
        if unless is not None and unless in marks and place in marks[unless]:
            continue
        return judgement
    raise AssertionError("the last rule always holds")
