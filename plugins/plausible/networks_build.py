"""A new file of networks from lists that an operator has downloaded: `myportal networks update FILES...`. Pure.

Known by their form: Apple's CSV, Google's, Amazon's and Azure's JSON, files like our own, and plain lists of networks,
whose class and vendor stand in the file's name: "gateway.mimecast.txt".
"""

from __future__ import annotations

import ipaddress
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from plugins.plausible.networks import CLASSES, Entry, Network, NetworksError, parse

LARGEST_CLASS = 10_000
"""Bytes that the lines of one class may take."""
_COARSER = ((32, 128), (28, 96), (24, 64), (22, 56), (20, 48), (18, 45), (17, 40), (16, 36), (15, 34), (14, 32))
"""Longest prefixes of IPv4 and IPv6, tried in turn."""

Group = tuple[str, str]
"""Class and vendor."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One downloaded list."""

    name: str
    """Without folders."""
    text: str
    day: date
    """When it was downloaded."""


def build(files: Iterable[SourceFile], *, base: Sequence[Entry] = (), largest: int = LARGEST_CLASS) -> str:
    """The text of a new file: what the lists say, and of `base` the groups that no list replaces.

    Raises NetworksError where a file's form or a network in it is not understood.
    """
    groups: dict[Group, list[Entry]] = defaultdict(list)
    for file in files:
        for entry in _entries(file):
            groups[entry.kind, entry.vendor].append(entry)
    replaced = set(groups)
    for entry in base:
        if (entry.kind, entry.vendor) not in replaced:
            groups[entry.kind, entry.vendor].append(entry)
    lines = ["# Built by `myportal networks update`: class vendor network source day."]
    for kind in CLASSES:
        of_kind = {vendor: found for (k, vendor), found in sorted(groups.items()) if k == kind}
        lines += [entry.line() for entry in _fitted(kind, of_kind, largest)]
    return "\n".join(lines) + "\n"


def _fitted(kind: str, vendors: dict[str, list[Entry]], largest: int) -> list[Entry]:
    """The entries of a class, collapsed, as exact as their size allows.

    Apple's are widened: they only count together with Apple's exact User-Agent. Of the others the smallest networks
    are left out: a missing one costs a hint, a widened one would accuse the neighbours.
    """
    entries = [entry for found in vendors.values() for entry in _collapsed(found)]
    if kind == "apple_relay":
        for longest in _COARSER:
            if _size(entries) <= largest:
                break
            entries = [entry for found in vendors.values() for entry in _collapsed(found, longest)]
    kept, size = [], 0
    for entry in sorted(entries, key=lambda entry: (_reach(entry.network), entry.line())):
        size += len(entry.line()) + 1
        if size > largest:
            break
        kept.append(entry)
    return sorted(kept, key=lambda entry: (entry.vendor, entry.network.version, entry.network.network_address))


def _collapsed(entries: Sequence[Entry], longest: tuple[int, int] = _COARSER[0]) -> list[Entry]:
    """The entries of one class and vendor without overlaps, no prefix longer than told; dated as the oldest."""
    source, day = entries[0].source, min(entry.day for entry in entries)
    networks4 = [entry.network for entry in entries if isinstance(entry.network, ipaddress.IPv4Network)]
    networks6 = [entry.network for entry in entries if isinstance(entry.network, ipaddress.IPv6Network)]
    v4 = [n.supernet(new_prefix=min(n.prefixlen, longest[0])) for n in networks4]
    v6 = [n.supernet(new_prefix=min(n.prefixlen, longest[1])) for n in networks6]
    networks: list[Network] = [*ipaddress.collapse_addresses(v4), *ipaddress.collapse_addresses(v6)]
    return [Entry(entries[0].kind, entries[0].vendor, network, source, day) for network in networks]


def _size(entries: Iterable[Entry]) -> int:
    return sum(len(entry.line()) + 1 for entry in entries)


def _reach(network: Network) -> int:
    """Smaller for larger networks; an IPv6 /32 is to IPv6 about what a /16 is to IPv4."""
    return network.prefixlen if network.version == 4 else network.prefixlen // 2


def _entries(file: SourceFile) -> Iterator[Entry]:
    text = file.text.lstrip("\ufeff")
    if text.lstrip().startswith(("{", "[")):
        yield from _from_json(file, text)
        return
    first = next((line for line in text.splitlines() if line.partition("#")[0].strip()), "")
    if first.split()[:1] and first.split()[0] in CLASSES:
        yield from parse(text, name=file.name)
    elif "," in first:
        cells = [line.partition(",")[0] for line in text.splitlines()]
        yield from _made(file, ("apple_relay", "apple"), "apple", cells)
    else:
        yield from _made(file, _group_of(file.name), "list", [line.partition("#")[0] for line in text.splitlines()])


def _from_json(file: SourceFile, text: str) -> Iterator[Entry]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise NetworksError(f"{file.name}: broken JSON: {error}") from None
    if not isinstance(data, dict):
        raise NetworksError(f"{file.name}: JSON of a form that is not known: expected an object")
    if isinstance(data.get("values"), list):
        found = [cidr for value in data["values"] for cidr in _inner(value, "properties").get("addressPrefixes", ())]
        yield from _made(file, ("cloud", "azure"), "azure", found)
    elif isinstance(data.get("prefixes"), list):
        rows = [row for row in (*data["prefixes"], *data.get("ipv6_prefixes", ())) if isinstance(row, dict)]
        if any("ip_prefix" in row for row in rows):
            found = [row.get("ip_prefix") or row.get("ipv6_prefix") or "" for row in rows]
            yield from _made(file, ("cloud", "aws"), "aws", found)
        else:
            group = ("cloud", "gcp") if any("service" in row for row in rows) else ("google", "google")
            found = [row.get("ipv4Prefix") or row.get("ipv6Prefix") or "" for row in rows]
            yield from _made(file, group, group[1], found)
    else:
        raise NetworksError(f"{file.name}: JSON of a form that is not known: no 'prefixes' and no 'values'")


def _inner(value: Any, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _group_of(name: str) -> Group:
    kind, _, rest = name.partition(".")
    vendor = rest.partition(".")[0]
    if kind not in CLASSES or not vendor:
        raise NetworksError(
            f"{name}: a plain list needs its class and vendor in its name, such as 'gateway.mimecast.txt'; "
            f"classes are {', '.join(CLASSES)}"
        )
    return kind, vendor


def _made(file: SourceFile, group: Group, source: str, cidrs: Iterable[str]) -> Iterator[Entry]:
    for number, cidr in enumerate(cidrs, start=1):
        if cidr.strip():
            try:
                network = ipaddress.ip_network(cidr.strip(), strict=False)
            except ValueError as error:
                raise NetworksError(f"{file.name}, entry {number}: '{cidr.strip()}' is no network: {error}") from None
            yield Entry(*group, network, source, file.day)
