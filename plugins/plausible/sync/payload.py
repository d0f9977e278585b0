"""What Plausible is told of one event. Pure.

Nothing in it names a person, a ticket, a mail or a link: no tracking id, no address of mail, no subject, no query, no
path of ours. Limits and pitfalls: Plausible's Events API (https://plausible.io/docs/events-api).
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit

from plugins.plausible.classify import Class
from plugins.plausible.classify.model import PERSONS
from plugins.plausible.clients import client_of
from plugins.plausible.events import OPEN, Kind
from plugins.plausible.settings import VisitorMode

USER_AGENT = "Mozilla/5.0 (compatible; MyPortal/1.0)"
"""Neutral and always the same: Plausible drops those of Gmail's and Yahoo's proxies as robots."""
MACHINE = "_machine"
"""Added to the name of what a machine did, so that goals count people only."""
LONGEST_PROP = 300


@dataclass(frozen=True)
class Told:
    """One event as far as the sync may see it."""

    kind: Kind
    occurred_at: datetime
    kind_of_reader: Class
    user_agent: str | None
    ip_address: str | None
    """As stored; used only where whole addresses are stored and the visitor mode is 'real'."""
    url: str | None
    recipient: str
    """The recipient's address: only goes into the keyed hash that stands for a visitor."""
    department: str = ""
    tags: str = ""
    """Of the ticket: "refund, vip"."""
    refused: bool = False
    """Whether the recipient refused to be tracked meanwhile."""


@dataclass(frozen=True)
class Names:
    """How events are called at Plausible."""

    opened: str = "email_open"
    clicked: str = "email_click"

    def of(self, kind: Kind, reader: Class) -> str:
        """The name of an event; that of a machine's is another one."""
        name = self.opened if kind == OPEN else self.clicked
        return name if reader in PERSONS else name + MACHINE


@dataclass(frozen=True)
class Outgoing:
    """A request to `/api/event`."""

    name: str
    body: bytes
    headers: dict[str, str]


def build(
    told: Told,
    *,
    site: str,
    names: Names,
    mode: VisitorMode,
    whole_addresses: bool,
    key: bytes,
    today: date,
) -> Outgoing:
    """The request for one event.

    site: the site's domain at Plausible. key: of visitors, 32 bytes. today: in the site's time zone. whole_addresses:
    whether stored addresses are whole; without them visitor mode 'real' does as 'anonymous' does, because cut ones
    would count a whole network as one visitor.
    """
    name = names.of(told.kind, told.kind_of_reader)
    props = {
        "module": "ticket replies",
        "client": client_of(told.user_agent or "").name,
        "class": told.kind_of_reader.value,
    }
    if told.url is not None:
        props["link_host"] = _host(told.url)
    if told.department:
        props["department"] = told.department
    if told.tags:
        props["tags"] = told.tags
    # One path for all mails: one of its own for each would be an identifier, and a row in "Top pages".
    path = "open" if told.kind == OPEN else "click"
    body = {
        "name": name,
        "domain": site,
        "url": f"https://{site.partition('/')[0]}/email/{path}",
        "props": {prop: value[:LONGEST_PROP] for prop, value in props.items() if value.strip()},
    }
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    address = None
    if mode == "real" and whole_addresses and told.ip_address is not None:
        address = told.ip_address
        headers["User-Agent"] = _one_line(told.user_agent) or USER_AGENT
    elif mode != "none":
        address = visitor_address(key, told.recipient, today)
    if address is not None:
        headers["X-Forwarded-For"] = address
        # Behind Cloudflare the first one is the forwarder's; Plausible takes this before all others.
        headers["X-Plausible-IP"] = address
    return Outgoing(name, json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode(), headers)


def visitor_address(key: bytes, recipient: str, day: date) -> str:
    """A private-range address that stands for one recipient on one day: "10.93.7.201".

    A keyed hash: without the key nobody gets from it to the recipient, and the next day's has nothing to do with it.
    16 million values: of 5,000 recipients a day less than one pair is taken for one visitor.
    """
    digest = hmac.digest(key, f"{recipient.strip().lower()}\n{day.isoformat()}".encode(), "sha256")
    # Not the ends of the network: x.x.x.0 and x.x.x.255 are no hosts to some programs.
    return f"10.{digest[0]}.{digest[1]}.{1 + digest[2] % 254}"


def _host(url: str) -> str:
    """A link's host, and nothing else of it; a bare address is somebody's, and is left out."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return "an address"


def _one_line(value: str | None) -> str:
    """A header's value: strangers choose what stands in theirs, and only Latin letters may travel in one."""
    printable = "".join(letter if letter.isprintable() else " " for letter in value or "")
    return printable.encode("ascii", "replace").decode("ascii").strip()[:500]
