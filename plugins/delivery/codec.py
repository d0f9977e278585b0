"""Events as records of the spool: JSON, because a spool outlives releases. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from plugins.delivery.model import KINDS, DeliveryEvent


class BadRecord(ValueError):
    """A record that is none of ours."""


@dataclass(frozen=True)
class Failure:
    """Something that was not taken, and why; `raw` only where its sender had proven who they are."""

    provider: str
    reason: str
    at: datetime
    raw: str = ""


@dataclass(frozen=True)
class Arrived:
    """An event with when it came, and the single-use token that vouched for it."""

    event: DeliveryEvent
    at: datetime
    token: str = ""


Entry = Arrived | Failure


def encode(entry: Entry) -> bytes:
    """One record."""
    if isinstance(entry, Failure):
        record: dict[str, Any] = {**asdict(entry), "at": entry.at.isoformat(), "type": "failure"}
    else:
        event = asdict(entry.event)
        event["key"] = entry.event.key.hex()
        event["happened_at"] = entry.event.happened_at.isoformat()
        record = {"type": "event", "event": event, "at": entry.at.isoformat(), "token": entry.token}
    return json.dumps(record, separators=(",", ":")).encode()


def decode(record: bytes) -> Entry:
    """The inverse. Raises BadRecord."""
    try:
        found = json.loads(record)
        at = _moment(found["at"])
        if found["type"] == "failure":
            return Failure(str(found["provider"]), str(found["reason"]), at, str(found.get("raw", "")))
        event = {name: value for name, value in found["event"].items() if name in DeliveryEvent.__dataclass_fields__}
        event["key"] = bytes.fromhex(event["key"])
        event["happened_at"] = _moment(event["happened_at"])
        made = DeliveryEvent(**event)
        if len(made.key) != 16 or made.kind not in KINDS:
            raise BadRecord("an event needs a key of 16 bytes and a known word")
        return Arrived(made, at, str(found.get("token", "")))
    except BadRecord:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRecord(f"the record cannot be read: {type(error).__name__}") from None


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise BadRecord("times must be aware")
    return found
