"""Events as records of the spool and of what waits to be judged: JSON, because both outlive releases. Pure.

A field that an older release did not write gets its default, one that a newer release wrote is left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from plugins.plausible.events import CLICK, OPEN, TrackingEvent

# Made once: `json.dumps` makes one for each call, which takes as long as to write an event.
_to_ascii = json.JSONEncoder(separators=(",", ":")).encode
_to_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BadRecord(ValueError):
    """A record that is no event; the message says what is wrong with it."""


def encode(event: TrackingEvent, *, unsure: bool = False) -> bytes:
    """One record.

    unsure: whether the module is on was not known when the event came, so that the replay has to ask.
    """
    record = _fields(event)
    if unsure:
        record["unsure"] = True
    return _to_ascii(record).encode()


def encode_all(events: Sequence[TrackingEvent]) -> str:
    """Several as one list."""
    return _to_text([_fields(event) for event in events])


def _fields(event: TrackingEvent) -> dict[str, Any]:
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
    return record


def decode(record: bytes) -> tuple[TrackingEvent, bool]:
    """The event, and whether `encode` was unsure. Raises BadRecord."""
    found = _loaded(record)
    return _event(found), bool(found.get("unsure"))


def decode_all(records: str) -> list[TrackingEvent]:
    """The events of a list. Raises BadRecord where one of them is none."""
    found = _loaded(records)
    if not isinstance(found, list):
        raise BadRecord("the records must be a list")
    return [_event(one) for one in found]


def split(records: str) -> list[bytes]:
    """The records of a list, as `encode` would have written each; the whole as one where it is no list."""
    try:
        found = _loaded(records)
    except BadRecord:
        found = None
    if not isinstance(found, list):
        return [records.encode()]
    return [_to_ascii(one).encode() for one in found]


def _loaded(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"the record cannot be read: {type(error).__name__}") from None


def _event(found: Any) -> TrackingEvent:
    try:
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
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise BadRecord(f"the record cannot be read: {type(error).__name__}") from None
    return event


def _text(found: dict[str, Any], name: str) -> str | None:
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRecord(f"{name} of a record must be a text")
    return value
