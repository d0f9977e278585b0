"""Which address a request came from, where reverse proxies stand in between."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from app.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """The first address from the right that no trusted proxy of ours owns.

    peer: the connection's other end. forwarded_for: all X-Forwarded-For headers, in order; a proxy appends on the
    right, so that what stands further left is only a claim. An entry that is no address ends the walk.
    Returns the normal form (RFC 5952), or '' where even the peer is unknown.
    """
    address = _parse(peer)
    if address is None:
        return ""
    for entry in reversed([part.strip() for header in forwarded_for for part in header.split(",")]):
        if not any(address in network for network in trusted):
            break
        claimed = _parse(entry)
        if claimed is None:
            break
        address = claimed
    return str(address)


def _parse(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
