"""Which addresses the portal may connect to when an admin, or a mail, names the host. Pure.

The list is our own: `ipaddress.is_global` lets pass what leads inside by another way, such as NAT64 (64:ff9b::/96),
6to4 (2002::/16), IPv4-compatible and site-local addresses. Source: IANA's registries of special-purpose addresses for
IPv4 and IPv6, RFC 6890, RFC 8215.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import idna

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSED: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a provider's inner network"),
        ("127.0.0.0/8", "this machine"),
        ("169.254.0.0/16", "a link-local or metadata address"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "a special-purpose network"),
        ("192.0.2.0/24", "a network for documentation"),
        ("192.31.196.0/24", "a special-purpose network"),
        ("192.52.193.0/24", "a special-purpose network"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private network"),
        ("192.175.48.0/24", "a special-purpose network"),
        ("198.18.0.0/15", "a network for benchmarks"),
        ("198.51.100.0/24", "a network for documentation"),
        ("203.0.113.0/24", "a network for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved network"),
        # Of IPv6 only what is given out for the public Internet may pass; within it, what leads elsewhere may not.
        ("::/3", "no public IPv6 address"),
        ("4000::/2", "no public IPv6 address"),
        ("8000::/1", "no public IPv6 address"),
        ("2001::/23", "a special-purpose network"),
        ("2001:db8::/32", "a network for documentation"),
        ("2002::/16", "a 6to4 address"),
        ("2620:4f:8000::/48", "a special-purpose network"),
        ("3fff::/20", "a network for documentation"),
    )
)
"""Networks that are refused, and what each is."""
METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data"})
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
LONGEST_URL = 2000


@dataclass(frozen=True)
class Allowed:
    """What OUTBOUND_ALLOWED names: hosts by name, and networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, parts: Sequence[str]) -> Allowed:
        """From the setting's parts: "plausible.lan", "10.1.2.3", "10.0.0.0/8". Raises ValueError naming a bad one."""
        names, networks = set(), []
        for part in (given.strip().lower().rstrip(".") for given in parts if given.strip()):
            try:
                networks.append(ipaddress.ip_network(part.strip("[]"), strict=False))
            except ValueError:
                if "/" in part or not all(_LABEL.fullmatch(label) for label in part.split(".")) or _is_number(part):
                    raise ValueError(
                        f"must hold host names, addresses or networks like 10.0.0.0/8, by commas, got {part!r}"
                    ) from None
                names.add(part)
        return cls(frozenset(names), tuple(networks))

    def has_name(self, host: str) -> bool:
        """Whether a host is named itself, whatever its addresses."""
        return host.lower().rstrip(".") in self.names

    def has_address(self, address: IpAddress) -> bool:
        """Whether an address lies in a named network."""
        return any(address.version == network.version and address in network for network in self.networks)


def reason_against(host: str, address: str, allowed: Allowed) -> str | None:
    """Why no connection may go to `address`, one of those of `host`; None where it may.

    host: as the URL names it. address: as the resolver gave it, perhaps with a scope ("fe80::1%eth0").
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address!r} is no address"
    # An IPv4 address in the clothes of IPv6 connects to the IPv4 host.
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if allowed.has_name(host) or allowed.has_address(parsed):
        return None
    for network, what in REFUSED:
        if parsed.version == network.version and parsed in network:
            return f"{parsed} is {what}"
    return None


def split(url: str) -> tuple[SplitResult, str]:
    """An address in parts, and its host in lower case; IDN hosts in their ASCII form.

    Raises ValueError, in words, for what is no plain http(s) address: without a host, with a login, or with a host that
    resolvers read in another way than people (127.1, 0x7f000001, 2130706433).
    """
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("must be an address without spaces, backslashes and control characters, of 2,000 at most")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"must be an address like https://plausible.io, got {url!r}") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(f"must start with https:// and name a host, got {url!r}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must be an address without login")
    host = host.rstrip(".")
    try:
        return parts, str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        host = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError(f"names no host that can exist: {host!r}") from None
    if _is_number(host):
        raise ValueError(f"must name a host, or an address in its usual form like 203.0.113.7, got {host!r}")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError(f"names no host that can exist: {host!r}")
    return parts, host


def _is_number(host: str) -> bool:
    """Whether the last label is a number: the whole is an address in some spelling then (WHATWG URL)."""
    last = host.rpartition(".")[2]
    return last.isdecimal() or (last.startswith("0x") and all(one in "0123456789abcdef" for one in last[2:]))


def is_named(host: str, address: str, allowed: Allowed) -> bool:
    """Whether OUTBOUND_ALLOWED names the host, or the network of this address of it."""
    try:
        return allowed.has_name(host) or allowed.has_address(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
