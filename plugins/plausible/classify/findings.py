"""What only shows beside other requests: traps, bursts, series, pairs and clockwork. Pure.

Requests come sorted by time; every finding is a set of their positions. Nothing here depends on the order of requests
of the same moment, and each step is linear in their number but for sorting.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise
from statistics import median

from plugins.plausible.classify.seen import Reading, Seen, Who
from plugins.plausible.client_names import Kind

BURST = 3.0
"""Seconds in which no person follows all links, or three."""
HASTY = 1.5
"""Seconds between pixel and link, or between two links, in which no person reads."""
TABS, TAB_CLICKS = 5, 8
"""Different links, and clicks, that a person opens beside each other within a burst's time."""
ECHO = 1.5
"""Seconds between a reader's click and a gateway's check of the same link."""
NEARBY = 60.0
"""Seconds around a trap in which the same program elsewhere is the same scanner."""
SCATTER = 10.0
"""Seconds around a burst in which the same program elsewhere is the same scanner."""
HAND = 0.3
"""Seconds that a person needs between two clicks."""
SERIES_GAP = 60.0
SERIES_START = 60.0
SERIES_PAUSE = 300.0
"""Seconds between two links of a series that began right after delivery: some scanners wait at random."""
CLOCKWORK_FROM = 4
CLOCKWORK_SPREAD = 0.02


def _trapped(seen: Seen, clicks: Iterable[int]) -> set[int]:
    hits = [i for i in clicks if seen.links[i] == seen.trap and seen.trap is not None]
    if not hits:
        return set()
    caught = {seen.who(i) for i in hits}
    scattered = {seen.agents[i] for i in hits if seen.sights[i].machine_network}
    moments: defaultdict[str, list[float]] = defaultdict(list)
    for i in hits:
        moments[seen.agents[i]].append(seen.times[i])
    return {
        i
        for i, agent in enumerate(seen.agents)
        if seen.who(i) in caught
        or (agent in scattered and seen.sights[i].machine_network)
        or (agent in moments and _near(seen.times[i], moments[agent], NEARBY))
    }


def _checked(seen: Seen) -> set[int]:
    """What a program loads around the moment when it asked without loading."""
    moments: defaultdict[Who, list[float]] = defaultdict(list)
    for i, sight in enumerate(seen.sights):
        if sight.odd_method:
            moments[seen.who(i)].append(seen.times[i])
    return {
        i
        for i, moment in enumerate(seen.times)
        if seen.who(i) in moments and _near(moment, moments[seen.who(i)], NEARBY)
    }


def _bare(seen: Seen, clicks: Iterable[int]) -> set[int]:
    """The loads of who also follows links under Apple's bare name, which Apple never does."""
    bare = {i for i, sight in enumerate(seen.sights) if sight.client.kind is Kind.APPLE_AHEAD}
    addresses = {seen.clients[i] for i in clicks if i in bare} - {None}
    return {i for i in bare if seen.clients[i] in addresses}


def _burst(seen: Seen, clicks: Sequence[int], reading: Reading) -> set[int]:
    """All links, or three, in three seconds: by one program, from one address, or by whoever takes part."""
    needed = min(3, len(seen.in_mail) or 3)
    if needed < 2:
        return set()
    marked: set[int] = set()
    for key in (seen.agents, seen.clients, None):
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for i in clicks:
            name = key[i] if key is not None else ""
            if name is not None and seen.links[i] != seen.trap and not (key is None and i in marked):
                groups[name].append(i)
        for group in groups.values():
            marked |= _crowded(seen, group, needed, reading)
    return _with_pixels(seen, marked)


def _crowded(seen: Seen, group: Sequence[int], needed: int, reading: Reading) -> set[int]:
    """The clicks of a group that lie in a window with enough different links."""
    marked: set[int] = set()
    counts: defaultdict[str | None, int] = defaultdict(int)
    left, done = 0, 0
    for right, i in enumerate(group):
        counts[seen.links[i]] += 1
        while seen.times[i] - seen.times[group[left]] > BURST:
            link = seen.links[group[left]]
            counts[link] -= 1
            if not counts[link]:
                del counts[link]
            left += 1
        if len(counts) >= needed and not _two_tabs(seen, group, left, right + 1, len(counts), reading):
            marked.update(group[max(left, done) : right + 1])
            done = right + 1
    return marked


def _two_tabs(seen: Seen, group: Sequence[int], start: int, end: int, different: int, reading: Reading) -> bool:
    """A reader who had the mail open and opens a few links beside each other, by hand."""
    if different > TABS or end - start > TAB_CLICKS:
        return False
    window = group[start:end]
    if any(seen.sights[i].machine_network or seen.sights[i].bare or seen.sights[i].unactivated for i in window):
        return False
    by_hand = all(seen.times[b] - seen.times[a] >= HAND for a, b in pairwise(window))
    return by_hand and all(reading.before(i, seen.times[window[0]]) for i in window)


def _with_pixels(seen: Seen, marked: set[int]) -> set[int]:
    """The burst and its clients' other requests."""
    if not marked:
        return marked
    who = {seen.who(i) for i in marked}
    moments: defaultdict[str, list[float]] = defaultdict(list)
    for i in sorted(marked):
        moments[seen.agents[i]].append(seen.times[i])
    return {
        i
        for i, agent in enumerate(seen.agents)
        if i in marked or seen.who(i) in who or (agent in moments and _near(seen.times[i], moments[agent], SCATTER))
    }


def _series(seen: Seen, clicks: Iterable[int], reading: Reading) -> set[int]:
    """Every link, once around: in the order of the mail at an even pace, at any pace right after delivery by who had
    not opened the mail, or at any pace from where no person sits.
    """
    if len(seen.in_mail) < 2:
        return set()
    place = {link: number for number, link in enumerate(seen.in_mail)}
    firsts: defaultdict[Hashable, dict[str, int]] = defaultdict(dict)
    for i in clicks:
        link = seen.links[i]
        if link in place:
            who = (seen.agents[i], "machine") if seen.sights[i].machine_network else seen.who(i)
            firsts[who].setdefault(link, i)
    marked: set[Who] = set()
    for found in firsts.values():
        if len(found) == len(place) and _is_series(seen, found, place, reading):
            marked |= {seen.who(i) for i in found.values()}
    return {i for i in range(len(seen.times)) if seen.who(i) in marked} if marked else set()


def _is_series(seen: Seen, found: dict[str, int], place: dict[str, int], reading: Reading) -> bool:
    clicks = list(found.values())
    read_before = any(reading.before(i) for i in clicks)
    if all(seen.sights[i].machine_network for i in clicks):
        return len(clicks) > 2 or not read_before
    if len(clicks) < 3:
        return False
    steps = sorted((seen.times[i], place[link]) for link, i in found.items())
    order = [number for _, number in steps]
    gaps = [b[0] - a[0] for a, b in pairwise(steps)]
    soon = seen.delivered is not None and steps[0][0] - seen.delivered < SERIES_START
    if soon and not read_before and max(gaps) <= SERIES_PAUSE:
        return True
    if order not in (sorted(order), sorted(order, reverse=True)) or max(gaps) > SERIES_GAP:
        return False
    start = steps[0][0]
    if any(reading.before(i, start) for i in clicks):
        return max(gaps) <= 1.5 * min(gaps) and max(gaps) < 5.0
    return soon or median(gaps) < 5.0 or max(gaps) <= 1.5 * min(gaps)


def _hasty(seen: Seen, clicks: Iterable[int], reading: Reading) -> set[int]:
    """Pixel and link, or two links, within a moment, by a client that had not opened the mail before."""
    by_who: defaultdict[Who, list[int]] = defaultdict(list)
    for i, sight in enumerate(seen.sights):
        if not sight.aside:
            by_who[seen.who(i)].append(i)
    marked: set[int] = set()
    for i in clicks:
        group = by_who[seen.who(i)]
        if len(group) == 1 or reading.before(i):
            continue
        spot = bisect_left(group, i)
        for other in group[max(0, spot - 1) : spot] + group[spot + 1 : spot + 2]:
            if abs(seen.times[i] - seen.times[other]) <= HASTY and seen.links[i] != seen.links[other]:
                between_links = seen.links[other] is not None
                if not between_links or abs(seen.times[i] - seen.times[other]) <= 2 * HAND:
                    marked |= {i, other}
    return marked


def _echo(seen: Seen, clicks: Iterable[int]) -> set[int]:
    """Of two clients that follow one link at once, the one that looks like a program."""
    by_link: defaultdict[str | None, list[int]] = defaultdict(list)
    for i in clicks:
        by_link[seen.links[i]].append(i)
    marked: set[int] = set()
    for group in by_link.values():
        ordered = sorted(group, key=lambda i: (seen.times[i], seen.agents[i], seen.clients[i] or ""))
        for a, b in pairwise(ordered):
            if seen.times[b] - seen.times[a] <= ECHO and seen.who(a) != seen.who(b):
                one, other = seen.sights[a].suspicion, seen.sights[b].suspicion
                if one != other:
                    marked.add(a if one > other else b)
    return marked


def _clockwork(seen: Seen) -> set[int]:
    """The same request again and again at the same interval."""
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for i, request in enumerate(zip(seen.agents, seen.clients, seen.links, strict=True)):
        if not seen.sights[i].aside:
            groups[request].append(i)
    marked: set[int] = set()
    for group in groups.values():
        if len(group) < CLOCKWORK_FROM:
            continue
        gaps = [seen.times[b] - seen.times[a] for a, b in pairwise(group)]
        middle = median(gaps)
        even = sum(abs(gap - middle) <= max(0.05, CLOCKWORK_SPREAD * middle) for gap in gaps)
        if middle >= 1.0 and even >= 0.9 * len(gaps):
            marked.update(group)
    return marked


def _near(moment: float, moments: Sequence[float], reach: float) -> bool:
    """moments: sorted."""
    spot = bisect_left(moments, moment - reach)
    return spot < len(moments) and moments[spot] <= moment + reach


Finder = Callable[[Seen, Sequence[int], Reading], set[int]]
FINDERS: dict[str, Finder] = {
    "trapped": lambda seen, clicks, reading: _trapped(seen, clicks),
    "checked": lambda seen, clicks, reading: _checked(seen),
    "bare": lambda seen, clicks, reading: _bare(seen, clicks),
    "burst": _burst,
    "series": _series,
    "hasty": _hasty,
    "echo": lambda seen, clicks, reading: _echo(seen, clicks),
    "clockwork": lambda seen, clicks, reading: _clockwork(seen),
}
"""Each is given all requests, the positions of the clicks it is about, and who had the mail open."""
