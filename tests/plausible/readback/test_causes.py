"""The likely cause of each difference."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from plugins.plausible.readback.causes import CLOUD, Sent, dropped, notes, verdicts
from plugins.plausible.readback.reading import Line, Reading, lines_of
from plugins.plausible.readback.stats import Counted, Counts
from plugins.plausible.sync.account import DayLine
from plugins.plausible.sync.outcome import Outcome

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY, YESTERDAY = date(2026, 11, 25), date(2026, 11, 24)
SENT = Sent("https://plausible.lan", "help.example.com", "Europe/Berlin", "anonymous", ["email_open"])


def line(day: date = YESTERDAY, **values: Any) -> Line:
    values.setdefault("accepted_at", NOW - timedelta(hours=3))
    return Line(day=day, name="email_open", **values)


def reading(*lines: Line, **values: Any) -> Reading:
    given: dict[str, Any] = {"offsets": (60, 60), "goals": {}, **values}
    return Reading(read_at=NOW, first=date(2026, 10, 27), last=TODAY, lines=list(lines), **given)


def causes_of(*lines: Line, **values: Any) -> tuple[bool, str]:
    first = verdicts(reading(*lines, **values), SENT)[0]
    return first.is_fine, "; ".join(first.causes)


@pytest.mark.parametrize(
    ("given", "is_fine", "words"),
    [
        ({"accepted": 5, "counted": 5}, True, ""),
        ({"accepted": 5, "ambiguous": 3, "counted": 7}, True, "2 of the 3 sent without an answer count"),
        ({"accepted": 5, "ambiguous": 3, "counted": 5}, True, "none of the 3 sent without an answer counts"),
        ({"accepted": 5, "ambiguous": 1, "counted": 9}, False, "3 events more than we sent"),
        ({"counted": 2}, False, "nothing of it is ours"),
        ({"accepted": 5, "counted": 4}, False, "1 event that Plausible said yes to are not there"),
        ({"accepted": 5, "counted": 5, "dropped": 2}, True, "2 events dropped, so not counted"),
        ({"accepted": 5, "counted": 5, "rejected": 1}, True, "1 event rejected, so not counted"),
    ],
)
def test_a_finished_day(given: dict[str, Any], is_fine: bool, words: str) -> None:
    found = causes_of(line(**given))

    assert found[0] is is_fine
    assert words in found[1]
    assert "not over" not in found[1]


def test_what_came_just_now_is_on_its_way_but_only_as_much_as_can_be() -> None:
    just_now = NOW - timedelta(seconds=20)

    assert causes_of(line(TODAY, accepted=9, counted=5, accepted_at=just_now), lately=5) == (
        True,
        "on their way: Plausible shows an event some seconds after it took it. Refresh in a minute",
    )
    is_fine, words = causes_of(line(TODAY, accepted=90, counted=5, accepted_at=just_now), lately=5)
    assert (is_fine, "not there" in words, "the day is not over" in words) == (False, True, True)
    assert causes_of(line(TODAY, accepted=9, counted=5), lately=5)[0] is False


def test_a_difference_that_the_day_beside_evens_out_is_one_of_time_zones() -> None:
    before, after = line(TODAY - timedelta(days=2), accepted=5, counted=8), line(accepted=9, counted=6)

    assert causes_of(after, before)[1] == (
        "the day before has the difference the other way round: the days begin at another time at Plausible"
    )
    assert "the day after" in causes_of(before, after)[1]
    assert "other way round" not in causes_of(after, line(TODAY - timedelta(days=2), accepted=5, counted=7))[1]


@pytest.mark.parametrize(
    ("offsets", "told"),
    [((120, 60), False), ((60, 60), True), ((0, 0), True), (None, False)],
)
def test_another_time_zone_is_seen_by_where_the_days_begin(offsets: tuple[int, int] | None, told: bool) -> None:
    """Berlin had summer time on the window's first day."""
    found = notes(
        Reading(
            read_at=NOW, first=date(2026, 10, 20), last=TODAY, lines=[line(accepted=1, counted=1)], goals={},
            offsets=offsets,
        ),
        SENT,
    )  # fmt: skip

    assert any("Time zone of the site" in words for words in found) is told


def test_plausible_that_counts_nothing_at_all_reads_something_else() -> None:
    [words] = notes(reading(line(accepted=5)), SENT)

    assert "counts none of them for help.example.com" in words
    assert causes_of(line(accepted=5)) == (False, "see above")
    assert notes(reading(line(TODAY, accepted=5, accepted_at=NOW)), SENT) == []


def test_one_visitor_for_many_events_is_a_proxy_or_the_cloud() -> None:
    crowd = reading(line(accepted=50, counted=50, visitors=1))

    assert "let it pass X-Plausible-IP" in notes(crowd, SENT)[0]
    assert "only with Visitors set to real" in notes(crowd, replace(SENT, base_url=CLOUD))[0]
    assert notes(crowd, replace(SENT, visitors="none")) == []
    assert notes(reading(line(accepted=50, counted=50, visitors=2)), SENT) == []


def test_a_missing_goal_is_told_for_names_that_are_sent_now() -> None:
    found = reading(line(accepted=1, counted=1), goals={"email_open": False, "old_name": False})

    assert [words.partition(",")[0] for words in notes(found, SENT)] == ["Plausible counts “email_open”"]
    assert notes(reading(line(accepted=1, counted=1), goals={"email_open": None}), SENT) == []


def test_why_events_are_dropped_depends_on_whom_plausible_sees() -> None:
    assert "host help.example.com" in dropped(replace(SENT, site="help.example.com/blog"))
    assert "data centers" in dropped(replace(SENT, base_url=CLOUD, visitors="none")).replace("centres", "centers")
    assert "of exactly this name, help.example.com" in dropped(SENT, is_known=False)
    assert "Gmail" in dropped(replace(SENT, visitors="real"))


def test_both_accounts_are_put_together_by_day_and_name() -> None:
    def ours(day: date, name: str, outcome: Outcome, events: int) -> DayLine:
        return DayLine(day, name, outcome, events, "", NOW)

    days = [
        ours(TODAY, "email_open", Outcome.ACCEPTED, 4),
        ours(TODAY, "email_open", Outcome.DROPPED, 1),
        # Of a worker that died nobody knows the name.
        ours(TODAY, "", Outcome.AMBIGUOUS, 2),
        ours(TODAY, "", Outcome.TOO_OLD, 9),
        ours(date(2026, 11, 1), "email_open", Outcome.ACCEPTED, 7),
    ]
    counts = Counts({(TODAY, "email_open"): Counted(5, 3), (YESTERDAY, "email_click"): Counted(1, 1)}, None)

    found = lines_of(days, counts, date(2026, 11, 2))

    assert [(one.day, one.name, one.accepted, one.ambiguous, one.dropped, one.counted) for one in found] == [
        (TODAY, "email_open", 4, 2, 1, 5),
        (YESTERDAY, "email_click", 0, 0, 0, 1),
    ]
