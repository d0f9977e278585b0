"""Which findings among the other requests there can be, and those that there are. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence, Set
from operator import sub

from plugins.plausible.classify.findings import BURST, CLOCKWORK_FROM, ECHO, FINDERS, HASTY
from plugins.plausible.classify.looks import Look
from plugins.plausible.classify.model import Context, Request
from plugins.plausible.classify.seen import Reading, Seen
from plugins.plausible.client_names import Kind
from plugins.plausible.clients import LONGEST_READ

HAMMERING = 20
"""Identical requests in one go."""
FLAGGED = 10.0
"""Seconds between the moment at which the mail provider saw a machine, and the same machine's request here."""

Marks = Mapping[str, Set[int]]
"""The positions that a finding covers, by its name; see `rules.RULES` for what they mean."""


def find_marks(
    requests: Sequence[Request],
    times: Sequence[float],
    looks: Sequence[Look],
    context: Context,
    delivered: float | None,
) -> Marks:
    """The findings. requests, times, looks: in the order of time, of the same length.

    Most histories are short and hold nothing to find, so what a finding needs at the least is asked before it is
    looked for: `worthwhile` never leaves out one that `FINDERS` would find.
    """
    clicks: list[int] = []
    hammering: set[int] = set()
    for i, request in enumerate(requests):
        if request.kind != "open" and not looks[i].sight.aside:
            clicks.append(i)
        if request.repeats >= HAMMERING:
            hammering.add(i)
    flagged = _flagged(requests, times, context) if context.machine_opens else set()
    alone = len(requests) == 1 and (not clicks or context.trap_link is None)
    names = [] if alone else worthwhile(requests, times, looks, clicks, context)
    asking = [i for i in clicks if looks[i].asks_reader] if len(clicks) < len(requests) else []
    if not names and not asking:
        return {name: marked for name, marked in (("hammering", hammering), ("flagged", flagged)) if marked}
    seen = columns(requests, times, looks, context, delivered)
    reading = Reading(seen)
    found = {name: FINDERS[name](seen, clicks, reading) for name in names}
    found["reader"] = {i for i in asking if reading.before(i)}
    found["hammering"] = hammering
    found["flagged"] = flagged
    return {name: marked for name, marked in found.items() if marked}


def _flagged(requests: Sequence[Request], times: Sequence[float], context: Context) -> set[int]:
    """The loads of the pixel so close to an open that the mail provider says was a machine's."""
    moments = sorted(moment.timestamp() for moment in context.machine_opens)
    found: set[int] = set()
    for i, request in enumerate(requests):
        place = bisect_left(moments, times[i] - FLAGGED)
        if request.kind == "open" and place < len(moments) and moments[place] <= times[i] + FLAGGED:
            found.add(i)
    return found


def worthwhile(
    requests: Sequence[Request],
    times: Sequence[float],
    looks: Sequence[Look],
    clicks: Sequence[int],
    context: Context,
) -> list[str]:
    """The findings that there can be. clicks: the positions of those that the findings are about."""
    names = []
    if len(requests) >= CLOCKWORK_FROM:
        names.append("clockwork")
    if len(requests) > 1 and any(look.sight.odd_method for look in looks):
        names.append("checked")
    if not clicks:
        return names
    if len(clicks) < len(requests) and any(looks[i].sight.client.kind is Kind.APPLE_AHEAD for i in clicks):
        names.append("bare")
    trap = context.trap_link
    if trap is not None and any((requests[i].link or "") == trap for i in clicks):
        names.append("trapped")
    if len(requests) > 1 and min(map(sub, times[1:], times)) <= HASTY:
        names.append("hasty")
    if len(clicks) > 1:
        moments = [times[i] for i in clicks]
        gap = min(map(sub, moments[1:], moments))
        if gap <= ECHO:
            names.append("echo")
        different = len({requests[i].link for i in clicks})
        if different > 1:
            if gap <= BURST:
                names.append("burst")
            if different >= len(_in_mail(context)) > 1:
                names.append("series")
    return names


def columns(
    requests: Sequence[Request],
    times: Sequence[float],
    looks: Sequence[Look],
    context: Context,
    delivered: float | None,
) -> Seen:
    """The requests as the findings read them."""
    return Seen(
        times=times,
        sights=[look.sight for look in looks],
        agents=[(request.user_agent or "")[:LONGEST_READ] for request in requests],
        clients=[request.client for request in requests],
        links=[None if request.kind == "open" else request.link or "" for request in requests],
        in_mail=_in_mail(context),
        trap=context.trap_link,
        delivered=delivered,
    )


def _in_mail(context: Context) -> list[str]:
    return [link for link in dict.fromkeys(context.links) if link != context.trap_link]
