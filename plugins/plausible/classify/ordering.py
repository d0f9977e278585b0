"""The requests of a copy in an order that does not depend on how they came in. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.plausible.classify.model import Request
from plugins.plausible.clients import LONGEST_READ


def in_order(requests: Sequence[Request], moments: Sequence[float]) -> tuple[list[int], dict[int, int]]:
    """The positions by time, ties by content, and of each request that is wholly equal to another, that other."""
    if len(moments) < 2:
        return list(range(len(moments))), {}
    order = sorted(range(len(moments)), key=moments.__getitem__)
    if len(set(moments)) == len(moments):
        return order, {}
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
