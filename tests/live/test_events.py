"""Topics and cursors, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.live.events import (
    KEPT_IDS,
    MAX_TOPICS,
    MOST_AGAIN,
    OVERLAP,
    BadTopics,
    Cursor,
    Event,
    Heard,
    merged,
    read_topics,
    to_tell,
)
from app.live.packing import MOST, Change, expand, pack

NOON = datetime(2026, 5, 3, 12, 0, 0, 123456, tzinfo=UTC)


def event(number: int, *, after: float = 0, topic: str = "tickets", kind: str = "receipt", reply_id: int = 2) -> Event:
    detail = {"kind": kind, "ticket_id": 1, "reply_id": reply_id}
    return Event(number, topic, NOON + timedelta(seconds=after), detail)


def test_topics_are_read_from_a_comma_separated_list() -> None:
    assert read_topics("ticket:12, tickets, me,") == {"ticket:12", "tickets", "me"}


@pytest.mark.parametrize(
    "text",
    ["", ",", "ticket:0", "ticket:01", "ticket:-1", "users", "user:1", "mee", "ticket:1 OR 1=1", "ticket:99999999999"],
)
def test_other_topics_are_refused(text: str) -> None:
    with pytest.raises(BadTopics):
        read_topics(text)


def test_too_many_topics_are_refused_with_the_limit() -> None:
    many = ",".join(f"ticket:{number}" for number in range(1, MAX_TOPICS + 2))
    with pytest.raises(BadTopics, match=str(MAX_TOPICS)):
        read_topics(many)


def test_a_refused_topic_is_not_repeated_at_any_length() -> None:
    with pytest.raises(BadTopics) as caught:
        read_topics("x" * 5000)
    assert len(str(caught.value)) < 120


def test_a_cursor_comes_back_from_its_text() -> None:
    cursor = Cursor(NOON, frozenset({7, 12, 900}))
    assert Cursor.parse(str(cursor)) == cursor
    assert Cursor.parse(str(Cursor(NOON))) == Cursor(NOON)


def test_a_cursor_carries_the_last_id_that_the_database_can_give() -> None:
    row = {"id": 2**63 - 1, "created_at": NOON, "changes": next(pack([Change({"ticket_id": 1}, lists=True)] * MOST))}
    cursor = Cursor(NOON, frozenset(event.id for event in expand(row, {"tickets"})))
    assert len(cursor.seen) == KEPT_IDS
    assert Cursor.parse(str(cursor)) == cursor
    assert len(str(cursor)) < 2000


@pytest.mark.parametrize("text", ["", "x", "1-", "1-2-3", "1-a", "-5", "1" * 17, "1-" + ".".join(["5"] * 65), "١"])
def test_a_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        Cursor.parse(text)


def test_a_cursor_keeps_the_newest_ids_and_stays_short() -> None:
    heard = Heard(NOON)
    for number in range(1000, 1200):
        cursor = heard.add(event(number))
    assert Cursor.parse(str(cursor)).seen == frozenset(range(1200 - KEPT_IDS, 1200))
    assert len(str(cursor)) < 500


def test_what_an_earlier_cursor_brought_goes_first() -> None:
    heard = Heard.up_to(Cursor(NOON, frozenset(range(KEPT_IDS))))
    assert heard.add(event(1000)).seen == {*range(1, KEPT_IDS), 1000}


def test_what_was_heard_is_forgotten_once_it_cannot_come_again() -> None:
    heard = Heard(NOON)
    heard.add(event(1))
    assert heard.add(event(2, after=OVERLAP.total_seconds() + 1)).seen == {2}


def test_a_late_event_does_not_take_the_cursor_back() -> None:
    heard = Heard(NOON)
    heard.add(event(2, after=5))
    assert heard.add(event(1, after=1)) == Cursor(NOON + timedelta(seconds=5), frozenset({1, 2}))


def test_of_many_receipts_of_one_reply_the_newest_is_told() -> None:
    events = [
        event(1, after=1),
        event(2, after=2, topic="ticket:1"),
        event(3, after=3, reply_id=9),
        event(4, after=4),
        event(5, after=5, kind="message"),
        event(6, after=6, kind="message"),
        event(7, after=7),
    ]
    assert [one.id for one in merged(events)] == [2, 3, 5, 6, 7]


def test_of_few_events_all_are_told() -> None:
    events = [event(number, after=number, reply_id=number) for number in range(-5, 6)]
    assert to_tell(events, NOON) == events


def test_of_too_many_events_those_after_the_cursor_are_told_and_the_newest_before_it() -> None:
    events = [event(number, after=number, reply_id=number) for number in range(-300, 101)]
    assert to_tell(events, NOON) == events[-MOST_AGAIN:]
    assert to_tell(events, NOON - timedelta(seconds=300)) == events[1:]
    assert to_tell(events, NOON - timedelta(seconds=200)) == events[101:]
