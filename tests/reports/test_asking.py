"""What a report may be asked for."""

from __future__ import annotations

from datetime import date

import pytest

from app.reports.asking import ReportRefused, parse
from app.reports.models import Figures
from app.reports.rates import base_of, percent, rates
from app.reports.rules import link_name

TODAY = date(2026, 11, 26)


def test_without_arguments_it_is_the_last_thirty_days_by_day() -> None:
    query = parse({}, today=TODAY)
    assert (query.by, query.period, query.days) == ("day", "30", 30)
    assert (query.filter.first, query.filter.last) == (date(2026, 10, 28), TODAY)
    assert (query.before.first, query.before.last) == (date(2026, 9, 28), date(2026, 10, 27))


def test_an_address_says_the_same_again() -> None:
    given = {"by": "tag", "from": "2026-01-01", "to": "2026-01-31", "agent": "3", "mailbox": "0", "tag": "7"}
    query = parse(given, today=TODAY)
    assert query.arguments() == given
    assert parse(query.arguments(), today=TODAY) == query
    assert query.arguments(agent="") == {name: value for name, value in given.items() if name != "agent"}
    assert parse({"from": "2026-11-20", "to": "2026-11-26"}, today=TODAY).period == "7"


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"by": "weather"}, "by", "got 'weather'"),
        ({"period": "8"}, "period", "got '8'"),
        ({"from": "2026-13-01"}, "from", "got '2026-13-01'"),
        ({"from": "0001-01-01"}, "from", "got '0001-01-01'"),
        ({"to": "yesterday"}, "to", "got 'yesterday'"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "to", "swap them"),
        ({"from": "2020-02-02", "to": "2026-02-01"}, "from", "shorter period"),
        ({"agent": "-1"}, "agent", "got '-1'"),
        ({"mailbox": "٣"}, "mailbox", "got"),
        ({"tag": "9" * 30}, "tag", "got"),
    ],
)
def test_what_will_not_do_is_named_with_the_way_out(given: dict[str, str], field: str, words: str) -> None:
    with pytest.raises(ReportRefused) as refused:
        parse(given, today=TODAY)
    assert list(refused.value.fields) == [field]
    assert words in refused.value.fields[field]


def test_rates_say_nothing_of_nothing() -> None:
    assert rates(Figures(), "sent") == rates(Figures(), "delivered")
    assert percent(rates(Figures(), "sent").open) == "–"


def test_open_rates_are_of_delivered_mails_where_somebody_reports_them() -> None:
    some = Figures(sent=10, delivered=8, bounced=1, opened=4, clicked=2, tracked=5, readers=4)
    assert base_of(some) == "delivered"
    assert base_of(Figures(sent=10)) == "sent"
    found = rates(some, "delivered")
    assert (found.delivery, found.open, found.click, found.bounce, found.read) == (0.8, 0.5, 0.25, 0.1, 0.8)
    assert rates(some, "sent").open == 0.4


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://Example.org/guide/?who=bob#top", "example.org/guide"),
        ("http://example.org:8080", "example.org"),
        ("https://[broken", "https://[broken"),
        ("https://example.org/" + "x" * 900, ("example.org/" + "x" * 900)[:300]),
    ],
)
def test_links_are_named_by_host_and_path(url: str, name: str) -> None:
    assert link_name(url) == name
