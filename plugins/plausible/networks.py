"""What is known of the network an address belongs to: a dated text file of ranges, and the lookup in it.

Classes: apple_relay (Apple's mail privacy and Private Relay, also others' traffic), google, microsoft (mail protection
and Defender), gateway (vendors of mail gateways), proxy (companies' web proxies, behind which people sit), cloud
(data centres: programs mostly, hosted desktops too); and two that the portal adds itself, agent and portal.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

SHIPPED = Path(__file__).with_name("networks.txt")
CLASSES = ("apple_relay", "google", "microsoft", "gateway", "proxy", "cloud")
OLDEST_DAYS = 365
"""From then on `myportal doctor` warns and what the file says weighs less."""
_CACHED = 65_536

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NetworksError(ValueError):
    """A file of networks that cannot be read; the message names the file, the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the file."""

    kind: str
    vendor: str
    network: Network
    source: str
    day: date

    def line(self) -> str:
        return f"{self.kind} {self.vendor} {self.network} {self.source} {self.day.isoformat()}"


class Networks:
    """The ranges, ready for lookup: an address costs one dictionary look for each length of prefix, once."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self.day = min((entry.day for entry in self.entries), default=None)
        """The oldest line's."""
        tables: dict[tuple[int, int], dict[int, frozenset[str]]] = {}
        for entry in self.entries:
            network = entry.network
            shift = network.max_prefixlen - network.prefixlen
            table = tables.setdefault((network.version, shift), {})
            prefix = int(network.network_address) >> shift
            table[prefix] = table.get(prefix, frozenset()) | {entry.kind}
        self._tables = {
            version: [(shift, table) for (v, shift), table in tables.items() if v == version] for version in (4, 6)
        }
        self._cached = lru_cache(maxsize=_CACHED)(self._look_up)

    def classes_of(
        self, address: str | None, *, agents: Collection[str] = (), portal: Collection[str] = ()
    ) -> frozenset[str]:
        """The classes of an address; empty where it is none or nothing is known.

        agents, portal: their addresses, written like this one; sets, so that asking is quick.
        """
        if not address:
            return frozenset()
        found = self._cached(address)
        if address in agents:
            found |= {"agent"}
        if address in portal:
            found |= {"portal"}
        return found

    def is_stale(self, today: date) -> bool:
        """Whether the oldest line is more than a year old, or there is none."""
        return self.day is None or (today - self.day).days > OLDEST_DAYS

    def entries_of(self, address: str) -> tuple[Entry, ...]:
        """The lines that hold an address, in the order of the file. Slow: for people."""
        parsed = parse_address(address)
        return tuple(entry for entry in self.entries if parsed is not None and parsed in entry.network)

    def _look_up(self, address: str) -> frozenset[str]:
        parsed = parse_address(address)
        if parsed is None:
            return frozenset()
        number = int(parsed)
        found: frozenset[str] = frozenset()
        for shift, table in self._tables[parsed.version]:
            found |= table.get(number >> shift, frozenset())
        return found


def parse_address(text: str) -> Address | None:
    """An address in any of its forms; IPv4 inside IPv6 is that IPv4. None where it is none."""
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def parse(text: str, *, name: str = "networks.txt") -> tuple[Entry, ...]:
    """The lines of a file. Raises NetworksError with the line's number."""
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if words:
            entries.append(_entry(words, f"{name}, line {number}"))
    return tuple(entries)


def load(path: Path = SHIPPED) -> Networks:
    """Read a file of networks. Raises NetworksError where it is not one, OSError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise NetworksError(f"{path} is not UTF-8 text: {error}") from None
    return Networks(parse(text, name=str(path)))


def _entry(words: list[str], where: str) -> Entry:
    if len(words) != 5:
        raise NetworksError(f"{where}: expected 'class vendor network source day', found {len(words)} words")
    kind, vendor, cidr, source, day = words
    if kind not in CLASSES:
        raise NetworksError(f"{where}: unknown class '{kind}'; known are {', '.join(CLASSES)}")
    try:
        network = ipaddress.ip_network(cidr)
    except ValueError as error:
        raise NetworksError(f"{where}: '{cidr}' is no network: {error}") from None
    try:
        return Entry(kind, vendor, network, source, date.fromisoformat(day))
    except ValueError:
        raise NetworksError(f"{where}: '{day}' is no day such as 2026-07-01") from None
