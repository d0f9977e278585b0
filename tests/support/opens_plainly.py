"""Classification without memory and without shortcuts, to compare with: every rule asked, every finding looked for."""

from __future__ import annotations

from datetime import datetime

from plugins.plausible.classify import RULES, CopyHistory, Judgement, Request, Rule, Verdict
from plugins.plausible.classify.engine import CLOCK_WRONG, DELIVERY_TAKES
from plugins.plausible.classify.findings import FINDERS
from plugins.plausible.classify.lookback import FLAGGED, HAMMERING, columns
from plugins.plausible.classify.looks import forget, look_of
from plugins.plausible.classify.model import PERSONS, Context
from plugins.plausible.classify.ordering import in_order
from plugins.plausible.classify.rule import STALE_LOSS
from plugins.plausible.classify.seen import Reading
from plugins.plausible.classify.sight import Newest, Sight, look, newest_on
from plugins.plausible.classify.verdict import conclude
from plugins.plausible.clients import client_of


def classify_plainly(history: CopyHistory, *, now: datetime | None = None) -> Verdict:
    """The same as `classify`, the long way round."""
    client_of.__globals__["_read"].cache_clear()
    forget()
    context = history.context
    order, same_as = in_order(history.requests, [r.at.timestamp() for r in history.requests])
    requests = [history.requests[i] for i in order]
    newest = newest_on(int((context.sent_at or requests[0].at).timestamp() // 86_400)) if requests else Newest(0, 0)
    sights = [look(request, context, newest) for request in requests]
    marks = _marks(requests, context, newest)
    judged: dict[int, Judgement] = {}
    for place, i in enumerate(order):
        rule = next(
            rule
            for rule in RULES
            if rule.when(sights[place], context) and _holds(rule, place, requests[place].at, context, marks)
        )
        judged[i] = _judgement(rule, sights[place], context)
    for i, twin in same_as.items():
        judged[i] = judged[twin]
    judgements = tuple(judged[i] for i in range(len(history.requests)))
    return conclude(context, history.requests, judgements, delivered=_delivered(context), now=now)


def _marks(requests: list[Request], context: Context, newest: Newest) -> dict[str, set[int]]:
    looks = [look_of(request, context, newest, object()) for request in requests]
    seen = columns(requests, [r.at.timestamp() for r in requests], looks, context, _delivered(context))
    clicks = [i for i, link in enumerate(seen.links) if link is not None and not seen.sights[i].aside]
    reading = Reading(seen)
    marks = {name: find(seen, clicks, reading) for name, find in FINDERS.items()}
    marks["reader"] = {i for i in clicks if reading.before(i)}
    marks["hammering"] = {i for i, request in enumerate(requests) if request.repeats >= HAMMERING}
    marks["flagged"] = {
        i
        for i, request in enumerate(requests)
        if request.kind == "open" and any(_close(request.at, moment) for moment in context.machine_opens)
    }
    return marks


def _close(one: datetime, other: datetime) -> bool:
    return abs((one - other).total_seconds()) <= FLAGGED


def _holds(rule: Rule, place: int, at: datetime, context: Context, marks: dict[str, set[int]]) -> bool:
    elapsed = _elapsed(at, context)
    if rule.before is not None and (elapsed is None or elapsed >= rule.before):
        return False
    if rule.after is not None and (elapsed is None or elapsed < rule.after):
        return False
    if rule.mark is not None and place not in marks[rule.mark]:
        return False
    return rule.unless is None or place not in marks[rule.unless]


def _delivered(context: Context) -> float | None:
    if context.delivered_at is not None:
        return context.delivered_at.timestamp()
    return None if context.sent_at is None else context.sent_at.timestamp() + DELIVERY_TAKES


def _elapsed(at: datetime, context: Context) -> float | None:
    delivered = _delivered(context)
    if delivered is None:
        return None
    if context.sent_at is not None and at.timestamp() - context.sent_at.timestamp() < CLOCK_WRONG:
        return None
    elapsed = at.timestamp() - delivered
    return elapsed if context.delivered_at is not None else max(0.0, elapsed)


def _judgement(rule: Rule, sight: Sight, context: Context) -> Judgement:
    leans = context.networks_stale and rule.by_network and rule.kind not in PERSONS
    confidence = round(rule.confidence - (STALE_LOSS if leans else 0.0), 2)
    return Judgement(rule.name, rule.kind, confidence, rule.reason.format(client=sight.client.name))
