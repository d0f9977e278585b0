"""What new requests make of a copy, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from plugins.plausible.classify import Class, Context, State
from plugins.plausible.events import CLICK, OPEN, Kind, TrackingEvent
from plugins.plausible.evidence import Evidence, pack
from plugins.plausible.links import link_mark
from plugins.plausible.recording.copies import KnownCopies, TrackedCopy
from plugins.plausible.recording.history import ALIKE, FIRST, LATER, WINDOW, CopyRecord, Outcome, Tally, judge, loaded
from tests.plausible.recording import SCANNER
from tests.support.reader import THUNDERBIRD

SENT = datetime(2026, 11, 25, 10, tzinfo=UTC)
LINKS = [f"https://example.org/{number}" for number in range(3)]
COPY = TrackedCopy(1, 2, 3)
CONTEXT = Context(sent_at=SENT, delivered_at=SENT, links=tuple(map(link_mark, LINKS)))
EMPTY = CopyRecord(COPY, CONTEXT)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
)


def event(
    seconds: float, agent: str = THUNDERBIRD, kind: Kind = OPEN, url: str | None = None, **more: object
) -> TrackingEvent:
    return TrackingEvent(
        kind,
        "t" * 54,
        SENT + timedelta(seconds=seconds),
        url,
        agent,
        "203.0.113.0",
        **more,  # type: ignore[arg-type]
    )


def after(record: CopyRecord, *events: TrackingEvent, seconds: float = 3600, whole: bool = False) -> Outcome:
    return judge(record, events, now=SENT + timedelta(seconds=seconds), whole=whole)


def test_a_person_makes_a_mail_read() -> None:
    found = after(EMPTY, event(60))
    sums = found.after.sums
    assert (sums.state, sums.first_read_at, sums.last_read_at) == (
        State.READ,
        event(60).occurred_at,
        event(60).occurred_at,
    )
    assert (sums.open_count, sums.tally, sums.version) == (1, Tally(person_opens=1), 1)
    assert found.badge_changed


def test_a_scanner_does_not() -> None:
    sums = after(EMPTY, event(60, SCANNER)).after.sums
    assert (sums.state, sums.first_read_at, sums.tally) == (State.MACHINE, None, Tally(machine_opens=1))
    assert sums.words == "A mail scanner checked it: this does not say that a person read it."


def test_what_was_read_is_taken_back_when_later_requests_show_a_scanner() -> None:
    first = after(EMPTY, event(100, CHROME, CLICK, LINKS[0]))
    assert first.after.sums.state is State.READ
    burst = after(first.after, event(100.5, CHROME, CLICK, LINKS[1]), event(101, CHROME, CLICK, LINKS[2]))
    assert burst.after.sums.state is State.MACHINE
    assert burst.after.sums.first_read_at is None
    assert [judgement.kind for _, judgement in burst.changed] == [Class.SCANNER]
    assert burst.after.sums.tally == Tally(machine_clicks=3)
    # What was remembered is as it was: the transaction may be rolled back.
    assert first.after.told[0].judgement.kind is Class.HUMAN


def test_a_click_just_after_delivery_is_settled_later() -> None:
    click = event(9, CHROME, CLICK, LINKS[0])
    found = after(EMPTY, click, seconds=10).after
    assert found.sums.state is State.NONE
    assert found.sums.pending_until == click.occurred_at + timedelta(seconds=30)
    settled = after(found, seconds=40)
    assert (settled.after.sums.state, settled.after.sums.pending_until) == (State.READ, None)


def test_our_own_looks_count_for_neither_side() -> None:
    sums = after(EMPTY, event(60, evidence=pack(Evidence(agent_session=True)))).after.sums
    assert (sums.state, sums.tally, sums.open_count) == (State.NONE, Tally(), 1)


def test_repeats_count_as_many_times() -> None:
    assert after(EMPTY, event(60, SCANNER, repeats=7)).after.sums.tally == Tally(machine_opens=7)


def test_of_very_many_requests_the_first_and_the_last_are_kept_and_all_are_counted() -> None:
    record = EMPTY
    for number in range(WINDOW + 60):
        found = after(record, event(60 + 97 * number + number**2, f"Mozilla/5.0 Thunderbird/140.{number}"), seconds=9e6)
        record = found.after
    assert len(record.told) == WINDOW
    assert record.told[FIRST - 1].request.at < record.told[FIRST].request.at
    assert record.sums.tally == Tally(person_opens=WINDOW + 60)
    assert record.missing == Tally(person_opens=60)
    assert record.sums.event_count == WINDOW + 60
    assert record.sums.pending_until == SENT + timedelta(seconds=9e6) + LATER


def test_what_is_not_looked_at_any_more_keeps_the_mail_read() -> None:
    read = after(EMPTY, event(60)).after
    purged = loaded(COPY, CONTEXT, read.sums, ())
    scanned = after(purged, event(9000, SCANNER), seconds=9999).after.sums
    assert (scanned.state, scanned.first_read_at) == (State.READ, event(60).occurred_at)
    assert scanned.tally == Tally(person_opens=1, machine_opens=1)


def test_a_second_look_at_the_same_changes_nothing() -> None:
    record = after(EMPTY, event(60), event(61, SCANNER), event(80, CHROME, CLICK, LINKS[1])).after
    again = after(record, whole=True)
    assert again.changed == ()
    assert again.after.told == record.told
    assert again.after.sums.tally == record.sums.tally


requests = st.lists(
    st.tuples(
        st.floats(0, 400),
        st.sampled_from([THUNDERBIRD, SCANNER, CHROME, "Mozilla/5.0", ""]),
        st.sampled_from([OPEN, CLICK]),
        st.sampled_from(LINKS),
    ),
    min_size=1,
    max_size=12,
)


@given(requests, st.lists(st.integers(0, 12), max_size=4))
def test_it_does_not_matter_in_which_batches_requests_come(
    told: list[tuple[float, str, Kind, str]], cuts: list[int]
) -> None:
    events = [event(at, agent, kind, url if kind == CLICK else None) for at, agent, kind, url in told]
    at_once = after(EMPTY, *events).after
    record = EMPTY
    edges = [0, *sorted(cuts), len(events)]
    for start, end in pairwise(edges):
        if events[start:end]:
            record = after(record, *events[start:end]).after
    assert record.told == at_once.told
    assert (record.sums.state, record.sums.tally, record.sums.words, record.sums.first_read_at) == (
        at_once.sums.state, at_once.sums.tally, at_once.sums.words, at_once.sums.first_read_at,
    )  # fmt: skip


def test_histories_are_remembered_in_bounded_memory() -> None:
    known = KnownCopies(most_events=50)
    for number in range(30):
        record = CopyRecord(
            TrackedCopy(number, 1, 1), CONTEXT, told=after(EMPTY, *[event(60 * one) for one in range(7)]).after.told
        )
        known.add_records([record])
        known.add_records([record])
        assert known.record(number) is record
        assert sum(len(found.told) for one in range(30) if (found := known.record(one)) is not None) <= 50
    assert known.record(0) is None
    known.clear()
    assert known.record(29) is None


def test_of_requests_that_are_alike_the_first_and_the_last_are_kept_and_all_are_counted() -> None:
    record = EMPTY
    for number in range(40):
        record = after(record, event(60 + 97 * number + 7 * number**2), seconds=9e6).after
    assert len(record.told) == ALIKE
    assert record.told[0].request.at == event(60).occurred_at
    assert record.sums.tally == Tally(person_opens=40)
    assert (record.sums.first_read_at, record.sums.pending_until) == (event(60).occurred_at, None)
    # Read from the database again, it is the same.
    again = after(record, event(9e6, SCANNER), seconds=9e6).after.sums
    assert again.tally == Tally(person_opens=40, machine_opens=1)


def test_clockwork_shows_among_requests_that_are_alike() -> None:
    record = after(EMPTY, event(50)).after
    for number in range(30):
        record = after(record, event(1000 + 600 * number), seconds=9e6).after
    assert {one.judgement.rule for one in record.told} == {"clockwork"}


def test_requests_that_repeat_each_other_at_once_are_looked_at_as_one() -> None:
    found = after(EMPTY, event(60), event(66), event(75)).after
    [one] = found.told
    assert (one.request.at, one.last_at, one.events) == (event(60).occurred_at, event(75).occurred_at, 3)
    assert found.sums.tally == Tally(person_opens=3)
    assert (found.sums.first_read_at, found.sums.last_read_at) == (event(60).occurred_at, event(75).occurred_at)
    assert len(after(found, event(86)).after.told) == 2
    assert len(after(found, event(76, SCANNER)).after.told) == 2


def test_a_request_that_is_repeated_very_often_at_once_is_a_machines() -> None:
    record = EMPTY
    for number in range(19):
        record = after(record, event(60 + number)).after
    assert record.sums.state is State.READ
    found = after(record, event(79))
    assert found.after.sums.state is State.MACHINE
    [(told, judgement)] = found.changed
    assert (told.events, judgement.rule) == (19, "hammering")
    assert found.after.sums.tally == Tally(machine_opens=20)


@given(requests)
def test_what_only_repeats_is_judged_as_if_all_were_judged_anew(told: list[tuple[float, str, Kind, str]]) -> None:
    # Close together, so that many repeat each other.
    events = [event(60 + at / 20, agent, kind, url if kind == CLICK else None) for at, agent, kind, url in sorted(told)]
    record = anew = EMPTY
    for one in events:
        record = after(record, one).after
        anew = after(replace(anew, judged_here=False), one).after
    assert record.told == anew.told
    assert record.sums == anew.sums
