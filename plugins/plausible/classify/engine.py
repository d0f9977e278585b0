"""`classify`: one copy's whole history in, a class for each request and the verdict on the mail out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from plugins.plausible.classify.lookback import Marks, Seen, find_marks
from plugins.plausible.classify.model import PERSONS, Context, CopyHistory, Judgement, Request, Verdict
from plugins.plausible.classify.rule import STALE_LOSS, Rule
from plugins.plausible.classify.rules import candidates
from plugins.plausible.classify.sight import Sight, look
from plugins.plausible.classify.verdict import conclude
from plugins.plausible.clients import LONGEST_READ

DELIVERY_TAKES = 3.0
"""Seconds from the start of a delivery to its acceptance, where only the start is known."""
CLOCK_WRONG = -2.0
"""A request this many seconds before the delivery began is no evidence of anything but a clock."""
HAMMERING = 20
"""Identical requests in one go."""


def classify(history: CopyHistory, *, now: datetime | None = None) -> Verdict:
    """Classify every request of one copy, and the copy.

    history: the requests in any order; the result does not depend on it. now: aware; a click that is still pending
    then does not count yet. None counts everything. The cost grows with the number of requests and little more.
    """
    context, requests = history.context, history.requests
    moments = [request.at.timestamp() for request in requests]
    order, same_as = _sorted(requests, moments)
    today = context.sent_at or (requests[order[0]].at if order else datetime.fromtimestamp(0, UTC))
    sights: dict[object, tuple[Sight, tuple[Rule, ...]]] = {}
    looks = [_look(request, context, today, sights) for request in requests]
    seen = _columns(requests, moments, order, looks, context)
    marks = find_marks(seen)
    hammered = {place for place, i in enumerate(order) if requests[i].repeats >= HAMMERING}
    if hammered:
        marks["hammering"] = hammered
    known: dict[tuple[str, str], Judgement] = {}
    judged: list[Judgement | None] = [None] * len(requests)
    elapsed = [_elapsed(moment, context) for moment in seen.times]
    for place, i in enumerate(order):
        sight, rules = looks[i]
        rule = _first(rules, place, elapsed[place], marks)
        judged[i] = _judgement(rule, sight, context, known)
    for i, twin in same_as.items():
        judged[i] = judged[twin]
    judgements = tuple(judgement for judgement in judged if judgement is not None)
    delivered = _delivered(context)
    return conclude(context, requests, judgements, delivered=delivered, now=now)


def _sorted(requests: Sequence[Request], moments: Sequence[float]) -> tuple[list[int], dict[int, int]]:
    """The positions by time, ties by content, and of each request that is wholly equal to another, that other."""
    order = sorted(range(len(requests)), key=moments.__getitem__)
    same_as: dict[int, int] = {}
    kept: list[int] = []
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and moments[order[end]] == moments[order[start]]:
            end += 1
        if end - start == 1:
            kept.append(order[start])
        else:
            first: dict[str, int] = {}
            for i in sorted(order[start:end]):
                same = first.setdefault(_content(requests[i]), i)
                if same != i:
                    same_as[i] = same
            kept.extend(first[content] for content in sorted(first))
        start = end
    return kept, same_as


def _content(request: Request) -> str:
    """Everything but the moment, for an order of requests that came at once."""
    agent = (request.user_agent or "")[:LONGEST_READ]
    who = (agent, request.client, sorted(request.networks), request.agent_session, request.customer_session)
    return repr((request.kind, request.link, request.method, who, request.referrer, request.headers, request.repeats))


def _look(
    request: Request, context: Context, today: datetime, sights: dict[object, tuple[Sight, tuple[Rule, ...]]]
) -> tuple[Sight, tuple[Rule, ...]]:
    key = (request.kind, request.method, request.user_agent, request.referrer, request.headers, request.networks,
           request.agent_session, request.customer_session)  # fmt: skip
    found = sights.get(key)
    if found is None:
        sight = look(request, context, today)
        found = sights[key] = (sight, candidates(sight, context))
    return found


def _columns(
    requests: Sequence[Request],
    moments: Sequence[float],
    order: Sequence[int],
    looks: Sequence[tuple[Sight, tuple[Rule, ...]]],
    context: Context,
) -> Seen:
    return Seen(
        times=[moments[i] for i in order],
        sights=[looks[i][0] for i in order],
        agents=[(requests[i].user_agent or "")[:LONGEST_READ] for i in order],
        clients=[requests[i].client for i in order],
        links=[None if requests[i].kind == "open" else requests[i].link or "" for i in order],
        in_mail=[link for link in dict.fromkeys(context.links) if link != context.trap_link],
        trap=context.trap_link,
        delivered=_delivered(context),
    )


def _delivered(context: Context) -> float | None:
    """When the mail can have reached the recipient at the earliest, as far as that is known."""
    if context.delivered_at is not None:
        return context.delivered_at.timestamp()
    return None if context.sent_at is None else context.sent_at.timestamp() + DELIVERY_TAKES


def _elapsed(moment: float, context: Context) -> float | None:
    """Seconds since delivery; None where there is no telling. Below zero only where the delivery itself is known."""
    delivered = _delivered(context)
    if delivered is None:
        return None
    if context.sent_at is not None and moment - context.sent_at.timestamp() < CLOCK_WRONG:
        return None
    return moment - delivered if context.delivered_at is not None else max(0.0, moment - delivered)


def _first(rules: Sequence[Rule], place: int, elapsed: float | None, marks: Marks) -> Rule:
    nobody: set[int] = set()
    for rule in rules:
        if rule.mark is not None and place not in marks.get(rule.mark, nobody):
            continue
        if rule.unless is not None and place in marks.get(rule.unless, nobody):
            continue
        if rule.before is not None and (elapsed is None or elapsed >= rule.before):
            continue
        if rule.after is not None and (elapsed is None or elapsed < rule.after):
            continue
        return rule
    raise AssertionError("the last rule always holds")


def _judgement(rule: Rule, sight: Sight, context: Context, known: dict[tuple[str, str], Judgement]) -> Judgement:
    """One object for all requests that are judged alike."""
    key = (rule.name, sight.client.name)
    found = known.get(key)
    if found is None:
        loss = STALE_LOSS if context.networks_stale and rule.by_network and rule.kind not in PERSONS else 0.0
        reason = rule.reason.format(client=sight.client.name)
        found = known[key] = Judgement(rule.name, rule.kind, round(rule.confidence - loss, 2), reason)
    return found
