"""Who a visitor is: the address that counts, and the id that uniques are counted by."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from datetime import datetime, timedelta

from tests.support.plausible.http import Request
from tests.support.plausible.model import Edition, Instance

SALT_SECRET = b"stand-in"
SESSION = timedelta(minutes=30)
TWO_PART_SUFFIXES = frozenset(
    f"{second}.{top}"
    for top in ("uk", "au", "nz", "jp", "br", "za", "in", "kr", "at", "tr")
    for second in ("co", "com", "org", "net", "gov", "ac", "edu", "or", "ne", "gv")
)
"""What stands for the public suffix list, where a suffix has two labels."""
PORT = re.compile(r"(?:(?<=\.\d)|(?<=\.\d\d)|(?<=\.\d\d\d)|(?<=\])):\d+$")
FORWARDED_FOR = re.compile(r'for=("?)(?P<address>[^;,"]+)\1')


def client_ip(request: Request, edition: Edition) -> str:
    """The address that Plausible takes for the visitor's; not validated.

    Cloud's edge writes X-Plausible-IP itself, so that there a client's does not count.
    """
    if edition == "ce" and (given := request.header("x-plausible-ip")):
        return _clean(given)
    if given := request.header("cf-connecting-ip"):
        return _clean(given)
    for name in ("b-forwarded-for", "x-forwarded-for"):
        if given := request.header(name):
            return _clean(given.split(",")[0])
    if (given := request.header("forwarded")) and (found := FORWARDED_FOR.search(given)):
        return _clean(found["address"])
    return request.peer


def visitor_id(instance: Instance, *, user_agent: str, address: str, domain: str, hostname: str, now: datetime) -> int:
    """The visitor's id: today's, or yesterday's while a session of it runs."""
    identity = "\0".join((user_agent, address, domain, registrable(hostname))).encode()
    ids = [_hash(identity, now - timedelta(days=days)) for days in (0, 1)]
    running = instance.sessions.get(ids[1])
    return ids[1] if running is not None and now - running <= SESSION else ids[0]


def in_session(instance: Instance, visitor: int, now: datetime) -> bool:
    """Whether the visitor was active in the last 30 minutes."""
    last = instance.sessions.get(visitor)
    return last is not None and now - last <= SESSION


def registrable(hostname: str) -> str:
    """The registrable domain of a host; the host itself where it has none."""
    labels = hostname.lower().split(".")
    if len(labels) < 3 or is_address(hostname):
        return hostname.lower()
    return ".".join(labels[-3:] if ".".join(labels[-2:]) in TWO_PART_SUFFIXES else labels[-2:])


def within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none."""
    if not is_address(address):
        return False
    one = ipaddress.ip_address(address)
    return any(one in ipaddress.ip_network(network) for network in networks)


def is_address(text: str) -> bool:
    """Whether this is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _clean(address: str) -> str:
    return PORT.sub("", address.strip()).strip("[]")


def _hash(identity: bytes, day: datetime) -> int:
    salt = hashlib.blake2b(day.date().isoformat().encode(), key=SALT_SECRET, digest_size=16).digest()
    return int.from_bytes(hashlib.blake2b(identity, key=salt, digest_size=8).digest())
