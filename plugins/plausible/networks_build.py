"""A new file of networks from lists that an operator has downloaded: `myportal networks update FILES...`. Pure."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from plugins.plausible.networks import CLASSES, Entry, Network, NetworksError
from plugins.plausible.networks_sources import Group, SourceFile, entries_of

LARGEST = 9_900
"""Bytes of the whole file. What is in it is looked at by people, and read by every process."""
APPLE = "apple_relay"
APPLE_SHARE = 1_000
"""Bytes that Apple's networks may take: they only count together with Apple's exact User-Agent, so that a wide cover
says as much as forty thousand lines."""
_HEAD = "# Built by `myportal networks update`: class vendor network source day."
_SHORTEST_LINE = len("apple_relay a ::/0 a 2026-01-01\n")
_WIDER_4 = (32, 28, 24, 22, 20, 18, 17, 16, 15, 14)
_WIDER_6 = (128, 96, 64, 56, 48, 45, 40, 36, 34, 32)
"""Longest prefixes, tried in turn."""


@dataclass(frozen=True, slots=True)
class Built:
    """A new file."""

    text: str
    entries: tuple[Entry, ...]
    left_out: Mapping[str, int]
    """Class → networks for which there was no room."""


def build(
    files: Iterable[SourceFile],
    *,
    base: Sequence[Entry] = (),
    checked: Iterable[str] = (),
    today: date | None = None,
    largest: int = LARGEST,
) -> Built:
    """What the lists say, and of `base` the groups (class and vendor) that no list replaces.

    checked: groups that somebody looked through, "gateway" or "gateway.mimecast"; they are dated `today` then, for
    vendors that publish no list. Raises NetworksError where a list is not understood or a group is not there.
    """
    groups: dict[Group, list[Entry]] = defaultdict(list)
    for file in files:
        for entry in entries_of(file):
            groups[entry.kind, entry.vendor].append(entry)
    replaced = set(groups)
    for entry in base:
        if (entry.kind, entry.vendor) not in replaced:
            groups[entry.kind, entry.vendor].append(entry)
    for words in checked:
        _date(groups, words, today)
    of_kind = {
        kind: [one for group, found in sorted(groups.items()) if group[0] == kind for one in found] for kind in CLASSES
    }
    whole = {kind: found if kind == APPLE else _collapsed(found) for kind, found in of_kind.items()}
    fitted = _fitted(whole, largest - len(_HEAD) - 1)
    entries = tuple(entry for kind in CLASSES for entry in fitted[kind])
    text = "\n".join([_HEAD, *(entry.line() for entry in entries)]) + "\n"
    # Apple's are widened, so that fewer of them say as much.
    left_out = {
        kind: len(whole[kind]) - len(fitted[kind])
        for kind in CLASSES
        if kind != APPLE and len(fitted[kind]) < len(whole[kind])
    }
    return Built(text, entries, left_out)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one class."""

    kind: str
    before: int
    after: int
    added: int
    removed: int


def changes(before: Iterable[Entry], after: Iterable[Entry]) -> list[Change]:
    """How many networks each class gains and loses, in the order of `CLASSES`."""
    old: dict[str, set[Network]] = defaultdict(set)
    new: dict[str, set[Network]] = defaultdict(set)
    for entries, networks in ((before, old), (after, new)):
        for entry in entries:
            networks[entry.kind].add(entry.network)
    return [
        Change(kind, len(old[kind]), len(new[kind]), len(new[kind] - old[kind]), len(old[kind] - new[kind]))
        for kind in CLASSES
    ]


def _date(groups: dict[Group, list[Entry]], words: str, today: date | None) -> None:
    kind, _, vendor = words.partition(".")
    meant = [group for group in groups if group[0] == kind and vendor in ("", group[1])]
    if not meant or today is None:
        there = ", ".join(sorted(f"{kind}.{vendor}" for kind, vendor in groups))
        raise NetworksError(f"there is no group '{words}' to date; there are: {there}")
    for group in meant:
        groups[group] = [replace(entry, day=today) for entry in groups[group]]


def _fitted(whole: Mapping[str, list[Entry]], room: int) -> dict[str, list[Entry]]:
    """Each class in its share of the room: what small classes leave, the large ones divide evenly."""
    fitted = {APPLE: _cut(_widened(whole[APPLE], min(APPLE_SHARE, room)), min(APPLE_SHARE, room))}
    room -= _size(fitted[APPLE])
    others = sorted((kind for kind in whole if kind != APPLE), key=lambda kind: _size(whole[kind]))
    for place, kind in enumerate(others):
        fitted[kind] = _cut(whole[kind], room // (len(others) - place))
        room -= _size(fitted[kind])
    return fitted


def _cut(entries: Sequence[Entry], room: int) -> list[Entry]:
    """Without the smallest networks, as far as there is no room for them.

    A missing network costs a hint; a widened one would accuse the neighbours.
    """
    kept, size = [], 0
    for entry in sorted(entries, key=lambda entry: (_reach(entry.network), entry.line())):
        size += _size([entry])
        if size > room:
            break
        kept.append(entry)
    return sorted(kept, key=lambda entry: (entry.vendor, entry.network.version, entry.network.network_address))


def _widened(entries: Sequence[Entry], room: int) -> list[Entry]:
    """Apple's networks, each family as exact as fits into its half; only they are widened, see `APPLE_SHARE`."""
    found: list[Entry] = []
    for version, lengths in ((4, _WIDER_4), (6, _WIDER_6)):
        family = [entry for entry in entries if entry.network.version == version]
        prefixes = _prefixes(family)
        for longest in lengths:
            ranges = _ranges(prefixes, longest)
            # Each range is at least one line: most tries end here, before any line is made.
            if len(ranges) * _SHORTEST_LINE > room // 2 and longest != lengths[-1]:
                continue
            wide = _entries_in(family, ranges)
            if _size(wide) <= room // 2:
                break
        found += wide
    return found


def _collapsed(entries: Sequence[Entry]) -> list[Entry]:
    """The entries of one class without overlaps, vendor by vendor; dated as each vendor's oldest."""
    groups: dict[tuple[str, int], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.vendor, entry.network.version].append(entry)
    return [one for same in groups.values() for one in _entries_in(same, _ranges(_prefixes(same), 128))]


Prefix = tuple[int, int, int]
"""First address, length, bits of an address. Plain numbers: with the objects of `ipaddress`, Apple's quarter of a
million networks take minutes."""


def _prefixes(entries: Iterable[Entry]) -> list[Prefix]:
    return [
        (int(entry.network.network_address), entry.network.prefixlen, entry.network.max_prefixlen) for entry in entries
    ]


def _ranges(prefixes: Iterable[Prefix], longest: int) -> list[tuple[int, int]]:
    """First and last address of what they cover, adjoining ones joined; none longer than `longest`."""
    spans = set()
    for first, length, bits in prefixes:
        free = bits - min(length, longest)
        start = first >> free << free
        spans.add((start, start + (1 << free) - 1))
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _entries_in(same: Sequence[Entry], ranges: Iterable[tuple[int, int]]) -> list[Entry]:
    """Entries of one group and family for these ranges, dated as its oldest."""
    if not same:
        return []
    day = min(entry.day for entry in same)
    networks: Iterable[Network]
    if same[0].network.version == 4:
        v4 = ipaddress.IPv4Address
        networks = [one for pair in ranges for one in ipaddress.summarize_address_range(v4(pair[0]), v4(pair[1]))]
    else:
        v6 = ipaddress.IPv6Address
        networks = [one for pair in ranges for one in ipaddress.summarize_address_range(v6(pair[0]), v6(pair[1]))]
    return [replace(same[0], network=network, day=day) for network in networks]


def _size(entries: Iterable[Entry]) -> int:
    return sum(len(entry.line().encode()) + 1 for entry in entries)


def _reach(network: Network) -> int:
    """Smaller for larger networks; an IPv6 /32 is to IPv6 about what a /16 is to IPv4."""
    return network.prefixlen if network.version == 4 else network.prefixlen // 2
