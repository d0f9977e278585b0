"""Many changes in one row, without a database."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.live.events import TICKETS, Event
from app.live.packing import LONGEST, MOST, PLACES, Change, Receipt, expand, pack, trace
from tests.support.live import AllTopics

NOON = datetime(2026, 5, 3, 12, 0, 0, 123456, tzinfo=UTC)
LARGEST = 2**63 - 1
CHANGES = st.builds(
    lambda ticket_id, detail, lists: Change({**detail, "ticket_id": ticket_id}, lists),
    st.integers(1, LARGEST),
    st.dictionaries(st.text(max_size=5), st.text(max_size=100) | st.integers() | st.none(), max_size=3),
    st.booleans(),
)


def receipt(ticket_id: int, reply_id: int = 5, *, lists: bool = True) -> Change:
    return Change({"kind": "receipt", "ticket_id": ticket_id, "reply_id": reply_id}, lists)


def row(number: int, text: str) -> dict[str, Any]:
    return {"id": number, "created_at": NOON, "changes": text}


def read(*texts: str) -> list[Event]:
    return [event for number, text in enumerate(texts, 1) for event in expand(row(number, text), AllTopics())]


@given(st.integers(1, LARGEST), st.integers(1, LARGEST), st.booleans())
def test_a_receipt_is_written_down_as_any_change_is(ticket_id: int, reply_id: int, lists: bool) -> None:
    assert Receipt(ticket_id, reply_id, lists).text == receipt(ticket_id, reply_id, lists=lists).text


def test_a_change_is_told_on_its_tickets_topic_and_to_the_lists() -> None:
    [text] = pack([receipt(12, 7)])
    first, second = read(text)
    assert first.as_json() == {"id": PLACES, "topic": "ticket:12", "kind": "receipt", "ticket_id": 12, "reply_id": 7}
    assert second.as_json() == {**first.as_json(), "id": PLACES + 1, "topic": "tickets"}
    assert first.created_at == NOON


def test_lists_hear_only_of_what_is_for_them() -> None:
    [text] = pack([receipt(1, lists=False), receipt(2)])
    assert [(event.topic, event.detail["ticket_id"]) for event in read(text)] == [
        ("ticket:1", 1),
        ("ticket:2", 2),
        ("tickets", 2),
    ]


def test_events_come_into_being_only_for_topics_that_somebody_follows() -> None:
    [text] = pack([receipt(1), receipt(2)])
    assert [event.topic for event in expand(row(1, text), {"ticket:2"})] == ["ticket:2"]
    assert [event.detail["ticket_id"] for event in expand(row(1, text), {TICKETS})] == [1, 2]
    assert list(expand(row(1, text), set())) == []


def test_an_event_has_the_same_id_whoever_follows() -> None:
    [text] = pack([receipt(1), receipt(2)])
    everything = {(event.topic, event.detail["ticket_id"]): event.id for event in read(text)}
    [alone] = expand(row(1, text), {"ticket:2"})
    assert alone.id == everything["ticket:2", 2]


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (MOST, [MOST]), (MOST + 1, [MOST, 1]), (150, [64, 64, 22])])
def test_a_row_holds_no_more_changes_than_it_has_ids_for(count: int, sizes: list[int]) -> None:
    texts = list(pack(receipt(number) for number in range(1, count + 1)))
    assert [len(json.loads(text)) for text in texts] == sizes
    events = read(*texts)
    assert [event.detail["ticket_id"] for event in events if event.topic != TICKETS] == list(range(1, count + 1))
    assert len({event.id for event in events}) == 2 * count


def test_a_full_row_of_the_largest_tickets_on_a_page_fits() -> None:
    [text] = pack([receipt(9_999_999, 9_999_999, lists=False)] * MOST)
    assert len(text) <= LONGEST


def test_nothing_makes_no_row() -> None:
    assert list(pack([])) == []


def test_long_changes_are_spread_over_rows_to_the_last_character() -> None:
    half = Change({"ticket_id": 1, "note": "x" * (LONGEST // 2 - 35)}, lists=True)
    rest = LONGEST - 2 * len(next(pack([half]))) + 1
    for more, rows in ((rest, 1), (rest + 1, 2)):
        longer = Change({"ticket_id": 1, "note": half.detail["note"] + "x" * more}, lists=True)
        texts = list(pack([half, longer]))
        assert len(texts) == rows
        assert max(map(len, texts)) <= LONGEST
        assert len(read(*texts)) == 4


def test_a_change_that_is_too_long_for_a_row_is_refused() -> None:
    room = LONGEST - len(next(pack([Change({"ticket_id": 1, "note": ""}, lists=True)])))
    assert len(next(pack([Change({"ticket_id": 1, "note": "x" * room}, lists=True)]))) == LONGEST
    with pytest.raises(ValueError, match=f"at most {LONGEST - 2} characters"):
        list(pack([Change({"ticket_id": 1, "note": "x" * (room + 1)}, lists=True)]))


@given(changes=st.lists(CHANGES, max_size=200), first=st.integers(1, LARGEST - 300))
def test_whatever_is_published_is_read_again(changes: list[Change], first: int) -> None:
    texts = list(pack(changes))
    events = [event for number, text in enumerate(texts, first) for event in expand(row(number, text), AllTopics())]
    assert all(text.isascii() and len(text) <= LONGEST for text in texts)
    assert [event.detail for event in events if event.topic != TICKETS] == [change.detail for change in changes]
    assert [event.detail for event in events if event.topic == TICKETS] == [
        change.detail for change in changes if change.lists
    ]
    assert len({event.id for event in events}) == len(events)


@given(change=CHANGES, other=st.integers(1, LARGEST))
def test_a_row_with_an_event_bears_its_trace(change: Change, other: int) -> None:
    [text] = pack([change])
    for event in read(text):
        assert re.search(trace([event.topic]), text)
        assert re.search(trace([f"ticket:{other}", event.topic]), text)


def test_other_rows_bear_no_trace() -> None:
    [text] = pack([receipt(12, lists=False), receipt(345, 77, lists=False)])
    assert not re.search(trace(["ticket:1", "ticket:2", "ticket:34", "ticket:45", "ticket:77", TICKETS]), text)
    assert re.search(trace(["ticket:345"]), text)


def told(user_id: int) -> Change:
    return Change({"kind": "notification", "user_id": user_id}, lists=False)


def test_what_a_user_is_told_is_on_their_topic_alone() -> None:
    [text] = pack([told(12), receipt(12, lists=False)])
    first, second = read(text)
    assert first.as_json() == {"id": PLACES, "topic": "user:12", "kind": "notification", "user_id": 12}
    assert second.topic == "ticket:12"
    assert [event.topic for event in expand(row(1, text), {"user:12"})] == ["user:12"]


def test_a_users_row_bears_the_trace_of_no_other_user_or_ticket() -> None:
    [text] = pack([told(12)])
    assert re.search(trace(["ticket:345", "user:12", TICKETS]), text)
    assert not re.search(trace(["user:1", "user:2", "user:123", "ticket:12", TICKETS]), text)
