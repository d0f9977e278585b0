"""Bad input: whatever strangers send is judged, in bounded time and memory, and nothing of it is repeated in words."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from plugins.plausible.classify import RULES, CopyHistory, Request, State, chosen_headers, classify, looks
from plugins.plausible.classify.looks import LONGEST_KEPT, MOST, context_key, forget, look_of
from plugins.plausible.classify.model import Context
from plugins.plausible.classify.remembered import Remembered
from plugins.plausible.classify.sight import Newest
from plugins.plausible.client_names import NAMES
from plugins.plausible.clients import client_of
from tests.support.opens import (
    APPLE_AHEAD,
    BARRACUDA,
    CHROME,
    DELIVERED,
    IMAGE,
    OUTLOOK,
    SENT,
    VISIT,
    clicked,
    copy,
    judge,
    opened,
)

HOUR = 3600.0
LONGEST_NAME, LONGEST_REASON, LONGEST_WORDS = 32, 200, 200
"""What the database holds of a rule, a reason and a verdict."""


@pytest.mark.parametrize(
    ("user_agent", "rule"),
    [
        ("x" * 65_536, "unlisted"),
        (CHROME + " " * 65_536 + "curl/8", "browser"),
        ("\x00\x07\x1b[2J\r\nSet-Cookie: a=b", "unlisted"),
        ("<script>alert('{client}')</script>{0}%s", "unlisted"),
        ("\udcff\ud800", "unlisted"),
        ("\u202e" + OUTLOOK, "mail-program"),
        ("", "nameless"),
        (None, "nameless"),
    ],
)
def test_any_user_agent_is_judged_and_never_repeated(user_agent: str | None, rule: str) -> None:
    verdict = judge(opened(HOUR, user_agent))

    [judgement] = verdict.requests
    assert judgement.rule == rule
    for words in (judgement.reason, verdict.words):
        assert not user_agent or user_agent[:8] not in words
        assert words.isprintable()


def test_headers_that_are_missing_doubled_or_not_utf_8_are_judged() -> None:
    doubled = chosen_headers([("Accept", "image/webp"), ("ACCEPT", "*/*"), (b"Accept-Language", b"\xff\xfe\x00de")])

    assert doubled == (("accept", "image/webp, */*"), ("accept-language", "ÿþ de"))
    assert judge(opened(HOUR, headers=doubled)).read is True
    assert judge(opened(HOUR, headers=None)).read is True
    assert judge(opened(HOUR, headers=())).read is False


def test_headers_that_the_storing_side_doubled_are_read_as_one() -> None:
    twice = (*VISIT, ("Sec-Purpose", "prefetch"), ("sec-purpose", "prerender"))

    assert judge(clicked(HOUR, headers=twice)).requests[0].rule == "speculative"


@pytest.mark.parametrize("hours", [-200_000, -1, 0, 200_000])
def test_a_clock_that_is_wrong_by_any_span_breaks_nothing(hours: int) -> None:
    verdict = judge(opened(hours * HOUR, OUTLOOK), clicked(hours * HOUR + 3), opened(60, APPLE_AHEAD))

    assert len(verdict.requests) == 3
    assert verdict.first_read_at is None or verdict.first_read_at <= (verdict.last_read_at or verdict.first_read_at)


def test_a_delivery_before_its_own_sending_breaks_nothing() -> None:
    verdict = judge(opened(HOUR, OUTLOOK), sent_at=DELIVERED + timedelta(hours=3))

    assert verdict.read is True


def test_moments_are_compared_across_time_zones() -> None:
    request = opened(HOUR, OUTLOOK)
    elsewhere = replace(request, at=request.at.astimezone(timezone(timedelta(hours=-9))))

    assert classify(copy(elsewhere, opened(2 * HOUR, OUTLOOK))).first_read_at == request.at


def test_a_history_from_before_1970_is_judged() -> None:
    moment = datetime(1969, 12, 31, tzinfo=UTC)

    assert classify(CopyHistory(Context(sent_at=moment), [replace(opened(0), at=moment + timedelta(hours=1))])).read


def test_a_hundred_thousand_requests_in_one_cost_no_more_than_one() -> None:
    many, one = copy(opened(HOUR, repeats=100_000)), copy(opened(HOUR))

    assert _steps(many) < 2 * _steps(one)
    assert judge(opened(HOUR, repeats=100_000)).requests[0].rule == "hammering"


def test_a_hundred_thousand_requests_lose_no_reader_beside_them() -> None:
    flood = opened(HOUR, CHROME, client="flood", repeats=100_000)

    verdict = judge(flood, opened(HOUR + 5, OUTLOOK, client="home"))

    assert [judgement.kind for judgement in verdict.requests] == ["bot", "human"]
    assert (verdict.read, verdict.first_read_at) == (True, DELIVERED + timedelta(seconds=HOUR + 5))


def test_two_thousand_clicks_in_one_second_cost_no_more_each_than_a_hundred() -> None:
    """A burst is one window: looking at all of it for every click would take for ever."""

    def burst(size: int) -> CopyHistory:
        return copy(*(clicked(HOUR + n / size, str(n % 9), client=str(n % 3)) for n in range(size)), links=9)

    assert _steps(burst(2_000)) < 24 * _steps(burst(100))


def test_many_requests_of_one_moment_cost_no_more_each_than_few() -> None:
    def at_once(size: int) -> CopyHistory:
        return copy(*(opened(HOUR, f"{CHROME} No/{n % 7}", client=str(n)) for n in range(size)))

    assert _steps(at_once(2_000)) < 24 * _steps(at_once(100))
    assert len(classify(at_once(2_000)).requests) == 2_000


def test_a_reader_is_found_among_ten_thousand_requests_of_machines() -> None:
    requests = [opened(60 + n, BARRACUDA, client="gw") for n in range(10_000)]

    assert judge(*requests, opened(9 * HOUR, OUTLOOK)).read is True


def test_what_is_remembered_is_bounded_in_number_and_size() -> None:
    context, newest = Context(sent_at=SENT), Newest(150, 150)
    key = context_key(context, newest)
    forget()

    for n in range(3 * MOST):
        look_of(opened(HOUR, f"{CHROME} No/{n}"), context, newest, key)
    assert len(looks.REMEMBERED) <= 2 * MOST

    forget()
    for long in _long_requests():
        look_of(long, context, newest, key)
    assert len(looks.REMEMBERED) == 0


def test_a_memory_keeps_what_was_asked_for_lately() -> None:
    memory: Remembered[int, str] = Remembered(10)
    for n in range(100):
        memory.put(n, str(n))
        if memory.get(0) is None:
            memory.put(0, "0")

    assert (memory.get(0), memory.get(99), memory.get(50)) == ("0", "99", None)
    assert len(memory) <= 20


def test_every_rule_every_reason_and_every_verdict_fits_into_its_column() -> None:
    longest = max([name for _, name, _ in NAMES] + [client_of(agent).name for agent in _AGENTS], key=len)
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.name.isascii()
        assert len(rule.name) <= LONGEST_NAME
        reason = rule.reason.format(client=longest)
        assert len(reason) <= LONGEST_REASON
        assert len(f"Read: {reason}. What was loaded ahead before counts for nothing.") <= LONGEST_WORDS, rule.name


def test_the_words_of_every_state_fit_too() -> None:
    verdicts = [
        judge(),
        judge(opened(HOUR, agent_session=True)),
        judge(opened(HOUR, OUTLOOK), opened(60, APPLE_AHEAD)),
        judge(opened(HOUR, OUTLOOK), shared_with_agent=True),
        judge(replied_at=DELIVERED),
        classify(copy(clicked(9)), now=DELIVERED + timedelta(seconds=10)),
        *(judge(opened(60, agent)) for agent in _AGENTS),
    ]

    assert {verdict.state for verdict in verdicts} == set(State)
    assert all(0 < len(verdict.words) <= LONGEST_WORDS for verdict in verdicts)


_AGENTS = (
    APPLE_AHEAD,
    BARRACUDA,
    "curl/8.0",
    "Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 Mobile",
    "Mozilla/5.0 (PlayStation) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Microsoft Office Existence Discovery",
    "Slackbot 1.0",
)


def _long_requests() -> list[Request]:
    """Requests of which each is too long to be remembered, in one way or another."""
    long = "x" * LONGEST_KEPT
    return [
        opened(HOUR, referrer=f"https://mail.example/{long}"),
        opened(HOUR, headers=(*IMAGE, ("accept", long))),
        opened(HOUR, headers=((long, ""),)),
        opened(HOUR, method=long),
    ]


def _steps(history: CopyHistory) -> int:
    """Lines of Python that one classification runs, with a warm memory."""
    steps = 0

    def count(frame: Any, event: str, argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return count

    classify(history)
    sys.settrace(count)
    try:
        classify(history)
    finally:
        sys.settrace(None)
    return steps
