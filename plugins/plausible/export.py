"""Copies whose verdict an agent corrected, as lines that `python -m bench.opens` reads. Pure.

The shape is that of the labelled sequences: what is known of the copy, its requests, and the agent's word as `truth`.
Nothing in a line leads back to a person or a mail: no address, no link, no id; of the time of sending only the day;
the portal is called portal.invalid. What a program says of itself stays, without whatever in it could be such a thing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from plugins.plausible.classify import RULES, Class, Context, Request, State
from plugins.plausible.classify.headers import KEPT
from plugins.plausible.networks import CLASSES, parse_address

PORTAL = "portal.invalid"
ELSEWHERE = "https://elsewhere.invalid/"
LEFT_OUT = "removed"

# In this order: an address of mail can stand in a link, a token in both.
_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]{0,20}://|www\.)[^\s<>\"'();,]*", re.IGNORECASE)
_MAIL = re.compile(r"[^\s<>\"'();,:/]+@[^\s<>\"'();,:/]+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")
# Four numbers are a version where a name and a slash stand before: "Chrome/149.0.0.0".
_ADDRESS = re.compile(
    r"(?<![\w/:.])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:]))", re.IGNORECASE
)
_NETWORKS = frozenset(CLASSES) | {"agent", "portal"}
_RULES = frozenset(rule.name for rule in RULES)
_CLASSES = frozenset(Class)
_METHOD = re.compile(r"[A-Z]{1,10}")


@dataclass(frozen=True, slots=True)
class Told:
    """One request, and what it was taken for."""

    request: Request
    kind: str
    """A class, '' for what was recorded before there were any."""
    rule: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Correction:
    """One copy about which an agent knew better."""

    context: Context
    told: Sequence[Told]
    """By time."""
    read: bool
    """The agent's word."""
    said: str | None
    """What the badge says without it: 'machine', 'read' or None."""
    left_out: int = 0
    """Requests beyond those in `told`."""


def line(correction: Correction, number: int) -> dict[str, Any]:
    """One line of the file. number: names the line, and nothing else."""
    context, told = correction.context, correction.told
    sent = context.sent_at or context.delivered_at or (told[0].request.at if told else datetime.fromtimestamp(0, UTC))
    day = sent.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    links, trap = _numbered_links(context, [one.request for one in told])
    clients: dict[str, str] = {}
    delivered = None if context.delivered_at is None else day + (context.delivered_at - sent)
    found: dict[str, Any] = {
        "id": f"c{number:05}",
        "sent_at": day.isoformat(),
        "delivered_at": None if delivered is None else delivered.isoformat(),
        "links_in_mail": len(context.links),
        "context": {
            "portal_host": PORTAL if context.portal_host else None,
            "recipient_internal": context.recipient_internal,
            "honeypot_link": trap,
            "reply_t": _seconds(context.replied_at, sent),
            "reply_auto": context.reply_automatic,
            "agent_forward_t": _seconds(context.agent_forwarded_at, sent),
            "bcc_to_agent": context.shared_with_agent,
        },
        "requests": [_request(one.request, context, sent, links, clients) for one in told],
        "truth": {
            "mail_read": correction.read,
            # The agent judged the mail and not its requests.
            "classes": [one.kind if one.kind in _CLASSES else "" for one in told],
            "also": {},
            "undecidable": list(range(len(told))),
            "family": "correction",
            "level": "correction",
        },
        "said": {
            "badge": correction.said if correction.said in set(State) else None,
            "rules": [one.rule if one.rule in _RULES else "" for one in told],
            "confidence": [one.confidence for one in told],
        },
    }
    if correction.left_out:
        found["requests_left_out"] = correction.left_out
    return found


def scrubbed(text: str) -> str:
    """A header's value without what could be a link, an address or an id.

    The scheme of a link stays, because by it robots are known: "(+https://removed)".
    """
    text = _LINK.sub(lambda found: f"{_scheme(found[0])}{LEFT_OUT}", text)
    text = _MAIL.sub(LEFT_OUT, text)
    text = _TOKEN.sub(LEFT_OUT, text)
    return _ADDRESS.sub(lambda found: LEFT_OUT if parse_address(found[0]) else found[0], text)


def _scheme(link: str) -> str:
    return "https://" if "://" in link else ""


def _request(
    request: Request, context: Context, sent: datetime, links: Mapping[str, int], clients: dict[str, str]
) -> dict[str, Any]:
    headers = {name: scrubbed(value) for name, value in request.headers or () if name in KEPT}
    page = _page(request.referrer, context)
    if page:
        headers["referer"] = page
    sessions = [
        name
        for name, there in (("agent_session", request.agent_session), ("customer_session", request.customer_session))
        if there
    ]
    if sessions:
        headers["cookie"] = "; ".join(f"{name}=1" for name in sessions)
    found: dict[str, Any] = {
        "t": _seconds(request.at, sent),
        "kind": request.kind,
        "link": links.get(request.link) if request.link is not None else None,
        "method": request.method if _METHOD.fullmatch(request.method) else "OTHER",
        "user_agent": None if request.user_agent is None else scrubbed(request.user_agent),
        "headers": headers if request.headers is not None or headers else None,
        "networks": sorted(request.networks & _NETWORKS),
        "client": None if request.client is None else clients.setdefault(request.client, str(len(clients) + 1)),
    }
    if request.repeats > 1:
        found["repeats"] = request.repeats
    return found


def _page(referrer: str | None, context: Context) -> str:
    """What classification sees in a Referer: the portal's agents' side, its customers' side, or elsewhere."""
    try:
        parts = urlsplit((referrer or "")[:2048])
        host = (parts.hostname or "").lower()
    except ValueError:
        return ""
    if not host:
        return ""
    if host != (context.portal_host or "").lower():
        return ELSEWHERE
    customers = next((path for path in context.customer_paths if parts.path.startswith(path)), "")
    return f"https://{PORTAL}{customers or '/tickets/'}"


def _numbered_links(context: Context, requests: Sequence[Request]) -> tuple[dict[str, int], int | None]:
    """Destination → its place in the mail; those that the mail is not known to have come after it, the trap last."""
    known = [link for link in dict.fromkeys(context.links) if link != context.trap_link]
    others = dict.fromkeys(one.link for one in requests if one.link is not None and one.link != context.trap_link)
    numbers = {link: number for number, link in enumerate(dict.fromkeys([*known, *others]))}
    if context.trap_link is None:
        return numbers, None
    numbers[context.trap_link] = max(len(numbers), len(context.links))
    return numbers, numbers[context.trap_link]


def _seconds(moment: datetime | None, sent: datetime) -> float | None:
    return None if moment is None else round((moment - sent).total_seconds(), 3)
