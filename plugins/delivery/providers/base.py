"""What all adapters have in common: how they are described, and how an event is made from what they found. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from plugins.delivery.errors import BadMember
from plugins.delivery.fields import Fields, Unit, address_of, check_depth, clean, message_id_of, moment
from plugins.delivery.model import Bounce, DeliveryEvent, Kind, event_key

LONGEST_RAW = 20_000
"""Characters of an event that are kept as it came."""
TRACKING_ID = re.compile(r"[A-Za-z0-9_-]{20,64}", re.ASCII)
SLOT = "tracking_id"
"""How we name the tracking id in a provider's metadata."""
HEADER = "X-MyPortal-Tracking-Id"
"""How we name it in a header of our own."""

Word = tuple[Kind, Bounce]
Proof = Literal["sendgrid", "mailgun", "sns", "svix", "credential", "smtp2go"]
JSON_TYPES = frozenset({"application/json"})


def words(*, bounced: Mapping[str, Bounce] | None = None, **kinds: str) -> dict[str, Word]:
    """A table from a provider's words to ours: `words(delivered="delivery sent_ok", ...)`."""
    found: dict[str, Word] = {}
    for kind, theirs in kinds.items():
        for one in theirs.split():
            found[one] = (kind, "")  # type: ignore[assignment]
    for one, bounce in (bounced or {}).items():
        found[one] = ("bounced", bounce)
    return found


@dataclass(frozen=True)
class Given:
    """One member of a request, with what is known around it."""

    fields: Fields
    now: datetime
    """When the request came."""
    request_id: str = ""
    """The request's own id where the provider signs one."""


@dataclass(frozen=True)
class Provider:
    """One provider: how it proves who it is, and how its events are read."""

    slug: str
    label: str
    proof: Proof
    read: Callable[[Given], Iterable[DeliveryEvent]]
    """All events of one member. Raises BadMember."""
    steps: Sequence[str]
    """What an admin does at the provider, in words; {url} stands for the address to enter."""
    slot: str
    """Where the tracking id goes, in words."""
    sample: Callable[[str, str, datetime], Any]
    """A body as the provider sends it: tracking id, recipient, time."""
    members: Callable[[Any], Sequence[Any]] = lambda body: body if isinstance(body, list) else [body]
    types: frozenset[str] = JSON_TYPES
    """Content types that it sends."""
    busy: int = 503
    """What to answer so that it comes again."""
    most_bytes: int = 8_000_000
    tells_delivered: bool = True
    tells_machines: bool = False


def make(
    provider: str,
    given: Given,
    word: Word,
    event_id: str,
    *,
    recipient: str = "",
    at: Any = None,
    unit: Unit = "s",
    tracking_id: str = "",
    message_id: str = "",
    reason: str = "",
    code: str = "",
    url: str = "",
    user_agent: str = "",
    machine: bool | None = None,
) -> DeliveryEvent:
    """An event in our shape. A time that is none, or an absurd one, counts as now.

    event_id: the provider's own, or a composite. Raises BadMember without anything that tells events apart.
    """
    if not event_id:
        raise BadMember("names no id, no mail and no address, so nobody can tell whose it is")
    to = address_of(recipient)
    return DeliveryEvent(
        provider=provider,
        key=event_key(provider, event_id, to),
        kind=word[0],
        bounce=word[1],
        happened_at=moment(at, unit, now=given.now) or given.now,
        tracking_id=tracking_id if TRACKING_ID.fullmatch(tracking_id) else None,
        message_id=message_id_of(message_id),
        recipient=to,
        reason=clean(reason, 1000),
        code=clean(code, 100),
        url=clean(url, 2048),
        user_agent=clean(user_agent, 1000),
        machine=machine,
        raw=raw_of(given.fields.value),
    )


def raw_of(value: Any) -> str:
    """JSON as it came, in ASCII; of a very long one the beginning."""
    try:
        check_depth(value, 200)
        text = json.dumps(value, separators=(",", ":"), default=str)
    except (ValueError, RecursionError, BadMember):
        return '"nested too deeply to be kept"'
    return text if len(text) <= LONGEST_RAW else json.dumps({"cut": text[:LONGEST_RAW]})


def composite(word: str, *parts: str) -> str:
    """An id from what tells events apart: their word and their parts; '' where all parts are empty."""
    return "|".join((word, *parts)) if any(parts) else ""


def slot_of(text: str) -> str:
    """The tracking id in a text that is ours to fill: alone, as "tracking_id:…", or in a JSON object."""
    if text.startswith("{"):
        try:
            return Fields(json.loads(text)).text(SLOT)
        except (ValueError, RecursionError):
            return ""
    return text.removeprefix(f"{SLOT}:").strip()
