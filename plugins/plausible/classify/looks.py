"""What a request's looks alone decide, remembered: its sight, and the rules it can still meet with their judgements.

Most requests look like one of a few hundred others of the same hours, and working their looks out costs more than all
the rest. Pure but for that memory, which never changes a result: a key holds everything that the looks depend on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from plugins.plausible.classify.model import PERSONS, Context, Judgement, Request
from plugins.plausible.classify.remembered import Remembered
from plugins.plausible.classify.rule import STALE_LOSS
from plugins.plausible.classify.rules import RULES, candidates
from plugins.plausible.classify.sight import Newest, Sight, look
from plugins.plausible.clients import LONGEST_READ

MOST = 1024
LONGEST_KEPT = 1500
"""Characters of one request that are worth remembering; with `MOST` it bounds the memory to some megabytes."""

Step = tuple[float | None, float | None, str | None, str | None, Judgement]
"""Before, after, mark, unless, and the judgement: a rule whose condition on the looks holds."""


@dataclass(frozen=True, slots=True)
class Look:
    """All that is known of a request before its time and the other requests are looked at."""

    sight: Sight
    steps: tuple[Step, ...]
    """In the order of asking; the last one always holds."""
    alone: tuple[Step, ...]
    """Those that hold without any finding among the other requests."""
    settled: Judgement | None
    """The judgement, where neither time nor other requests matter."""
    asks_reader: bool
    """Whether it matters if this client had the mail open."""


REMEMBERED: Remembered[object, Look] = Remembered(MOST)


def context_key(context: Context, newest: Newest) -> object:
    """What the looks depend on besides the request."""
    return (
        context.portal_host,
        context.customer_paths,
        context.recipient_internal,
        context.agent_copy,
        context.networks_stale,
        newest,
    )


def look_of(request: Request, context: Context, newest: Newest, key_of_context: object) -> Look:
    """The request's looks; newest: the versions of browsers when the mail went out."""
    agent, headers, referrer = request.user_agent, request.headers, request.referrer
    if agent is not None and len(agent) > LONGEST_READ:
        agent = agent[:LONGEST_READ]
    key = (key_of_context, agent, request.kind, request.method, referrer, headers, request.networks,
           request.agent_session, request.customer_session)  # fmt: skip
    found = REMEMBERED.get(key)
    if found is None:
        found = _work_out(request, context, newest)
        size = len(agent or "") + len(referrer or "") + len(request.method) + len(context.portal_host or "")
        if size + sum(len(name) + len(value) for name, value in headers or ()) <= LONGEST_KEPT:
            REMEMBERED.put(key, found)
    return found


def forget() -> None:
    """Forget all looks, for tests."""
    REMEMBERED.clear()
    _decide.cache_clear()
    _judgement.cache_clear()


def _work_out(request: Request, context: Context, newest: Newest) -> Look:
    sight = look(request, context, newest)
    return _decide(sight, context.agent_copy, context.recipient_internal, context.networks_stale)


@lru_cache(maxsize=MOST)
def _decide(sight: Sight, agent_copy: bool, internal: bool, stale: bool) -> Look:
    """One object for all requests of the same sight. stale: the list of networks is old."""
    context = Context(agent_copy=agent_copy, recipient_internal=internal)
    steps = tuple(
        (rule.before, rule.after, rule.mark, rule.unless, _judgement(number, sight.client.name, stale))
        for number, rule in candidates(sight, context)
    )
    first = steps[0]
    return Look(
        sight=sight,
        steps=steps,
        alone=tuple(step for step in steps if step[2] is None),
        settled=first[4] if first[:4] == (None, None, None, None) else None,
        asks_reader=any("reader" in (step[2], step[3]) for step in steps),
    )


@lru_cache(maxsize=2048)
def _judgement(number: int, client: str, stale: bool) -> Judgement:
    """What the rule with this number says of a client of that name."""
    rule = RULES[number]
    loss = STALE_LOSS if stale and rule.by_network and rule.kind not in PERSONS else 0.0
    return Judgement(rule.name, rule.kind, round(rule.confidence - loss, 2), rule.reason.format(client=client))
