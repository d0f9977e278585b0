"""What the list's URL may ask, and the plan that answers it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.receipts.rules import CORE_STATES
from app.tickets import listing_plan as plans
from app.tickets import listing_rules as rules
from app.tickets.errors import ListRefused
from app.tickets.listing_rules import NOBODY, Cursor, TicketQuery

ME = 7
AT = datetime(2026, 5, 3, 10, 12, 0, 123456, tzinfo=UTC)


def _parsed(**arguments: str) -> TicketQuery:
    return rules.parse(arguments, user_id=ME)


def test_the_list_starts_with_open_tickets_newest_activity_first() -> None:
    query = _parsed()
    assert (query.view, query.sort, query.descending) == ("open", "activity", True)
    assert query.arguments() == {}


def test_a_search_looks_at_closed_tickets_too_unless_told_otherwise() -> None:
    assert _parsed(q="refund").view == "all"
    assert _parsed(q="refund", view="open").view == "open"
    assert _parsed(q="refund", view="open").arguments() == {"q": "refund", "view": "open"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"view": "secret"},
            "one of mine, unassigned, open, overdue, snoozed, all, closed, got 'secret'",
        ),
        ({"status": "open'--"}, "`status` must be one of open, pending, closed"),
        ({"priority": "5"}, "`priority` must be one of low, normal, high, urgent, got '5'"),
        ({"receipt": "seen"}, "`receipt` must be one of read"),
        ({"sort": "subject"}, "`sort` must be one of activity, created, priority"),
        ({"dir": "up"}, "`dir` must be one of desc, asc"),
        ({"assignee": "-1"}, "`assignee` must be me, none or the number of a user"),
        ({"assignee": "99999999999"}, "`assignee` must be me, none or the number of a user"),
        ({"q": "x" * 201}, "The search has 201 characters, at most 200"),
        ({"after": "1.1", "before": "1.1"}, "`after` or `before`, not both"),
    ],
)
def test_what_the_list_does_not_know_is_refused_by_name(arguments: dict[str, str], words: str) -> None:
    with pytest.raises(ListRefused) as refused:
        rules.parse(arguments, user_id=ME)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("sort", "cursor"),
    [
        ("activity", "yesterday"),
        ("activity", "1.2; DROP TABLE tickets"),
        ("activity", "-5.1"),
        ("activity", "999999999999999999.1"),
        ("activity", "3.1777803120123456.12"),
        ("priority", "1777803120123456.12"),
        ("priority", "9.1777803120123456.12"),
        ("activity", "１777803120123456.12"),
    ],
)
def test_a_place_that_is_none_is_refused_with_the_way_out(sort: str, cursor: str) -> None:
    with pytest.raises(ListRefused, match="Leave it out to start from the first page"):
        _parsed(sort=sort, after=cursor)


def test_a_url_is_read_back_as_it_was_written() -> None:
    query = TicketQuery(
        user_id=ME,
        view="closed",
        status="closed",
        priority="urgent",
        assignee=NOBODY,
        receipt="sent",
        words="red invoice ",
        sort="priority",
        descending=False,
        before=Cursor(AT, 12, "high"),
    )
    assert rules.parse(query.arguments(), user_id=ME) == query


@given(st.timedeltas(timedelta(0), timedelta(days=100_000)), st.integers(0, 9_999_999_999))
def test_a_cursor_keeps_the_microsecond(age: timedelta, ticket_id: int) -> None:
    cursor = Cursor(AT + age, ticket_id)
    assert _parsed(after=str(cursor)).after == cursor


@given(
    st.dictionaries(st.sampled_from(["view", "q", "status", "assignee", "sort", "dir", "after", "before"]), st.text())
)
def test_any_url_is_read_or_refused(arguments: dict[str, str]) -> None:
    try:
        query = rules.parse(arguments, user_id=ME)
    except ListRefused:
        return
    assert rules.parse(query.arguments(), user_id=ME) == query


@pytest.mark.parametrize(
    "query",
    [
        TicketQuery(user_id=ME, view="open", status="closed"),
        TicketQuery(user_id=ME, view="closed", status="pending"),
        TicketQuery(user_id=ME, view="mine", assignee=8),
        TicketQuery(user_id=ME, view="unassigned", assignee=ME),
    ],
)
def test_filters_that_contradict_the_view_match_nothing(query: TicketQuery) -> None:
    assert plans.plan(query) is None


def test_a_filter_that_repeats_the_view_changes_nothing() -> None:
    mine = TicketQuery(user_id=ME, view="mine")
    assert plans.plan(mine) == plans.plan(TicketQuery(user_id=ME, view="mine", assignee=ME))


def test_the_status_alone_decides_between_open_and_closed() -> None:
    plan = plans.plan(TicketQuery(user_id=ME, view="all", status="closed"))
    assert plan is not None
    assert (plan.index, plan.parameters) == ("tickets_active", {"active": 0})


def test_values_never_stand_in_the_statement() -> None:
    query = TicketQuery(user_id=ME, view="all", assignee=41, priority="urgent", contact_id=43, after=Cursor(AT, 47))
    plan = plans.plan(query, frozenset({"failed"}))
    assert plan is not None
    text = f"{plan.index} {plan.where} {plan.order}"
    assert not any(value in text for value in ("41", "43", "47", "urgent", "failed", "2026"))


def test_sent_not_read_is_offered_only_where_reading_is_seen() -> None:
    assert rules.receipt_choices(CORE_STATES)["sent"] == "Sent"
    assert "read" not in rules.receipt_choices(CORE_STATES)
    choices = rules.receipt_choices(CORE_STATES | {"read", "machine"})
    assert list(choices)[:4] == ["read", "replied", "sent", "machine"]
    assert choices["sent"] == "Sent, not read"


def test_a_mail_read_before_the_module_was_switched_off_counts_as_sent() -> None:
    assert plans.stored_receipts("sent", CORE_STATES) >= {"sent", "read", "machine"}
    assert plans.stored_receipts("replied", CORE_STATES) == {"replied"}
    assert plans.stored_receipts("read", CORE_STATES) == frozenset()
    assert plans.stored_receipts("read", CORE_STATES | {"read", "replied"}) == {"read", "viewed", "replied"}
    assert plans.stored_receipts("sent", CORE_STATES | {"read", "machine"}).isdisjoint({"read", "failed", "untracked"})
