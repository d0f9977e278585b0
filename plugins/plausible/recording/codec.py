"""Events as records of the spool: JSON, because a spool outlives releases. Pure.

A field that an older release did not write gets its default, one that a newer release wrote is left out.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from plugins.plausible.events import CLICK, OPEN, TrackingEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BadRecord(ValueError):
    """A record that is no event; the message says what is wrong with it."""


def encode(event: TrackingEvent, *, unsure: bool = False) -> bytes:
    """One record.

    unsure: whether the module is on was not known when the event came, so that the replay has to ask.
    """
    record: dict[str, Any] = {
        "kind": event.kind,
        "id": event.tracking_id,
        "at": (event.occurred_at - _EPOCH) // _MICROSECOND,
        "key": event.key.hex(),
    }
    if event.url is not None:
        record["url"] = event.url
    if event.user_agent is not None:
        record["agent"] = event.user_agent
    if event.ip_address is not None:
        record["ip"] = event.ip_address
    if event.referrer is not None:
        record["referrer"] = event.referrer
    if event.evidence is not None:
        record["evidence"] = event.evidence
    if event.repeats != 1:
        record["repeats"] = event.repeats
    if unsure:
        record["unsure"] = True
    return json.dumps(record, separators=(",", ":")).encode()


def decode(record: bytes) -> tuple[TrackingEvent, bool]:
    """The event, and whether `encode` was unsure. Raises BadRecord."""
    try:
        found = json.loads(record)
        kind, key = found["kind"], bytes.fromhex(found["key"])
        if kind not in (OPEN, CLICK) or len(key) != 16:
            raise BadRecord("a record must be an open or a click with a key of 16 bytes")
        event = TrackingEvent(
            kind=kind,
            tracking_id=str(found["id"]),
            occurred_at=_EPOCH + timedelta(microseconds=int(found["at"])),
            url=_text(found, "url"),
            user_agent=_text(found, "agent"),
            ip_address=_text(found, "ip"),
            referrer=_text(found, "referrer"),
            evidence=_text(found, "evidence"),
            key=key,
            repeats=int(found.get("repeats", 1)),
        )
        if event.repeats < 1:
            raise BadRecord("a record must stand for one request or more")
    except BadRecord:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise BadRecord(f"the record cannot be read: {type(error).__name__}") from None
    return event, bool(found.get("unsure"))


def _text(found: dict[str, Any], name: str) -> str | None:
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRecord(f"{name} of a record must be a text")
    return value
