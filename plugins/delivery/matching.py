"""Which copy an event is about: tracking id, or Message-ID and recipient together. Never an address alone. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from plugins.delivery.model import DeliveryEvent, Matched

UNKNOWN = "unknown"
"""No mail of ours has these ids."""
STRANGER = "stranger"
"""The mail is ours, and the recipient is none of it, or another one than that of the tracking id."""
UNNAMED = "unnamed"
"""Neither a tracking id nor Message-ID and recipient."""


@dataclass(frozen=True)
class Copy:
    """One recipient's copy as far as matching needs it."""

    recipient_id: int
    tracking_id: str
    address: str
    email_id: int
    message_id: str
    """Without angle brackets."""
    reply_id: int | None
    ticket_id: int | None
    is_erased: bool = False
    may_report: bool = True
    """Whether what its reader does may be kept: neither contact nor agent said no."""
    has_pixel: bool = True
    """Whether a module of the portal reports its opens."""
    has_links: bool = True
    """The same of its links."""


def same_address(one: str, other: str) -> bool:
    """Whether two spellings mean one mailbox: case is ignored, and a domain may be written in Punycode."""
    return one == other or normalised(one) == normalised(other)


def normalised(address: str) -> str:
    """In lower case, with the domain in Punycode where that can be written."""
    local, _, domain = address.strip().lower().rpartition("@")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode() if not domain.isascii() else domain
    return f"{local}@{domain}"


class Copies:
    """The copies that some events may be about."""

    def __init__(self, found: Iterable[Copy]) -> None:
        self._by_tracking: dict[str, Copy] = {}
        self._by_message: defaultdict[str, list[Copy]] = defaultdict(list)
        for copy in found:
            self._by_tracking[copy.tracking_id] = copy
            self._by_message[copy.message_id].append(copy)

    def of(self, event: DeliveryEvent) -> Copy | str:
        """The event's copy, or why there is none."""
        known = self._by_tracking.get(event.tracking_id) if event.tracking_id else None
        if known is not None:
            if event.recipient and not same_address(event.recipient, known.address):
                return STRANGER
            return known
        if not event.message_id or not event.recipient:
            return UNKNOWN if event.tracking_id else UNNAMED
        copies: Sequence[Copy] = self._by_message.get(event.message_id, ())
        if not copies:
            return UNKNOWN
        return next((one for one in copies if same_address(one.address, event.recipient)), STRANGER)


def matched(event: DeliveryEvent, copy: Copy) -> Matched:
    """The event with its copy."""
    return Matched(
        event, copy.recipient_id, copy.email_id, copy.address, reply_id=copy.reply_id, ticket_id=copy.ticket_id
    )
