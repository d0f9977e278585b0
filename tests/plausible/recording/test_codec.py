"""Records of the spool: written by one release, read by another."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.plausible.events import CLICK, OPEN, TrackingEvent
from plugins.plausible.recording.codec import BadRecord, decode, encode

AT = datetime(2026, 11, 20, 12, 30, 15, 123456, tzinfo=UTC)
KEY = bytes(range(16))
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=50)

events = st.builds(
    TrackingEvent,
    kind=st.sampled_from([OPEN, CLICK]),
    tracking_id=ANY_TEXT,
    occurred_at=st.datetimes(timezones=st.just(UTC)),
    url=st.none() | ANY_TEXT,
    user_agent=st.none() | ANY_TEXT,
    ip_address=st.none() | ANY_TEXT,
    referrer=st.none() | ANY_TEXT,
    key=st.binary(min_size=16, max_size=16),
    repeats=st.integers(1, 2**40),
    evidence=st.none() | ANY_TEXT,
)


@given(events, st.booleans())
def test_an_event_comes_back_as_it_was(event: TrackingEvent, unsure: bool) -> None:
    assert decode(encode(event, unsure=unsure)) == (event, unsure)


def test_the_format_stays_readable_for_other_releases() -> None:
    event = TrackingEvent(
        CLICK,
        "t" * 54,
        AT,
        "https://example.org/",
        "Mail/1",
        "203.0.113.0",
        "https://r.example",
        KEY,
        2,
        '{"m":"HEAD"}',
    )
    assert json.loads(encode(event, unsure=True)) == {
        "kind": "click",
        "id": "t" * 54,
        "at": 1795177815123456,
        "key": "000102030405060708090a0b0c0d0e0f",
        "url": "https://example.org/",
        "agent": "Mail/1",
        "ip": "203.0.113.0",
        "referrer": "https://r.example",
        "repeats": 2,
        "evidence": '{"m":"HEAD"}',
        "unsure": True,
    }


def test_a_record_of_an_older_release_gets_the_defaults() -> None:
    record = {"kind": "open", "id": "t", "at": 0, "key": KEY.hex()}
    assert decode(json.dumps(record).encode()) == (
        TrackingEvent(OPEN, "t", datetime(1970, 1, 1, tzinfo=UTC), key=KEY),
        False,
    )


def test_what_only_a_newer_release_knows_is_left_out() -> None:
    event = TrackingEvent(OPEN, "t", AT, key=KEY)
    record = json.loads(encode(event)) | {"language": "de", "headers": {"a": [1, None]}}
    assert decode(json.dumps(record).encode()) == (event, False)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "smell"},
        {"kind": None},
        {"kind": ["open"]},
        {"key": "00"},
        {"key": "z" * 32},
        {"key": 5},
        {"at": "soon"},
        {"at": None},
        {"at": 10**30},
        {"at": -(10**30)},
        {"at": float("nan")},
        {"at": float("inf")},
        {"url": 5},
        {"agent": ["x"]},
        {"ip": {}},
        {"referrer": 1.5},
        {"repeats": 0},
        {"repeats": -3},
        {"repeats": "many"},
        {"repeats": None},
    ],
)
def test_a_record_that_is_no_event_is_refused_without_its_values(change: dict[str, Any]) -> None:
    record = json.loads(encode(TrackingEvent(OPEN, "canary", AT, key=KEY))) | change
    with pytest.raises(BadRecord) as refused:
        decode(json.dumps(record).encode())
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "record",
    [b"", b"null", b"5", b"[]", b'"open"', b"{}", b"{", b"\xff\xfe", b"[" * 100_000, b"1" * 10_000, b'{"kind":"open"}'],
)
def test_garbage_is_refused(record: bytes) -> None:
    with pytest.raises(BadRecord):
        decode(record)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(record: bytes) -> None:
    with pytest.raises(BadRecord):
        decode(record)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([OPEN, CLICK, "00" * 16])
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2),
)


@given(st.dictionaries(st.sampled_from(["kind", "id", "at", "key", "url", "repeats"]), json_values))
def test_any_json_is_an_event_or_refused(record: dict[str, Any]) -> None:
    try:
        event, _ = decode(json.dumps(record).encode())
    except BadRecord:
        return
    assert event.kind in (OPEN, CLICK)
    assert event.repeats >= 1
    assert len(event.key) == 16
