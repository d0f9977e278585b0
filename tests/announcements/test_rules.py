"""Pace, times, rates and placeholders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import placeholders
from app.hookspecs import MailingActivity
from app.services.mailings import MailingCounts
from plugins.announcements import figures, rules

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@given(
    rate=st.integers(1, 6000),
    steps=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 500)), min_size=1, max_size=60),
)
def test_the_pace_is_never_exceeded_by_more_than_a_moment(rate: int, steps: list[tuple[float, int]]) -> None:
    now, paced_at, sent = NOW, None, 0
    for wait, most in steps:
        now += timedelta(seconds=wait)
        count, paced_at = rules.allowance(now, paced_at, rate, most)
        assert 0 <= count <= most
        sent += count
    passed = (now - NOW).total_seconds()
    assert sent <= rate / 60 * (passed + rules.BURST) + 1


def test_a_slow_pace_gets_there() -> None:
    now, paced_at, sent = NOW, None, 0
    for _ in range(600):
        now += timedelta(seconds=0.5)
        count, paced_at = rules.allowance(now, paced_at, 6, 200)
        sent += count
    assert sent in {30, 31}


def test_rates_are_zero_safe() -> None:
    found = figures.of(MailingCounts(), None, recipients=0, unsubscribed=0)
    rates = (found.delivery_rate, found.open_rate, found.click_rate, found.bounce_rate)
    assert rates == (0.0, 0.0, 0.0, 0.0)
    assert found.rates_from == "sent"


def test_rates_are_of_what_was_delivered_where_somebody_tells_of_it() -> None:
    counts = MailingCounts(total=12, sent=10, delivered=8, bounced=2, tracked=10)
    known = MailingActivity(unique_opens=4, opens=9, unique_clicks=2, clicks=3)
    found = figures.of(counts, known, recipients=12, unsubscribed=1)
    rates = (found.delivery_rate, found.open_rate, found.click_rate, found.bounce_rate)
    assert rates == (80.0, 50.0, 25.0, 20.0)
    found = figures.of(MailingCounts(total=10, sent=10, tracked=10), known, recipients=10, unsubscribed=0)
    assert (found.open_rate, found.click_rate, found.delivery_rate) == (40.0, 20.0, 0.0)


def test_a_time_is_read_in_the_zone_of_who_types_it() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert rules.send_time("2026-12-24T09:30", zone, NOW) == datetime(2026, 12, 24, 8, 30, tzinfo=UTC)
    assert rules.send_time("2027-07-01T09:30", zone, NOW) == datetime(2027, 7, 1, 7, 30, tzinfo=UTC)
    for typed, words in (
        ("2026-11-26T12:59", "not in the future"),
        ("tomorrow", "no date"),
        (" ", "No time is set; choose when it goes out"),
        ("2028-01-01T00:00", "year"),
    ):
        with pytest.raises(ValueError, match=words):
            rules.send_time(typed, zone, NOW)


@pytest.mark.parametrize(
    ("text", "values", "wanted"),
    [
        ("{{name}}", {"name": "<b>"}, "&lt;b&gt;"),
        ("{{ Name&nbsp;|&nbsp;there&amp;you }}", {"name": ""}, "there&amp;you"),
        ("{{name|there}}", {"name": "Bob"}, "Bob"),
        ("{{name}}", {"name": ""}, ""),
        ("{{other}}", {}, "{{other}}"),
        ("{{name|}}!", {"name": ""}, "!"),
        ("{{name.__class__}} {name} {{{{name}}}}", {"name": "{{x}}"}, "{{name.__class__}} {name} {{{{x}}}}"),
    ],
)
def test_placeholders_are_names_and_nothing_more(text: str, values: dict[str, str], wanted: str) -> None:
    assert placeholders.fill(text, values) == wanted
