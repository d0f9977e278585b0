"""The verdict on the mail: states, words, times, and what is still pending."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugins.plausible.classify import State, classify
from tests.support.opens import (
    APPLE_AHEAD,
    BARRACUDA,
    DELIVERED,
    GMAIL_AHEAD,
    OUTLOOK,
    SLACK,
    clicked,
    copy,
    judge,
    opened,
)

HOUR = 3600.0


def _at(seconds: float) -> datetime:
    return DELIVERED + timedelta(seconds=seconds)


def test_reading_has_a_first_and_a_last_time_and_a_reason() -> None:
    verdict = judge(opened(3 * HOUR, OUTLOOK), opened(4, BARRACUDA), opened(2 * HOUR, OUTLOOK))

    assert (verdict.read, verdict.state) == (True, State.READ)
    assert (verdict.first_read_at, verdict.last_read_at) == (_at(2 * HOUR), _at(3 * HOUR))
    assert "Outlook for Windows" in verdict.words


def test_a_machine_is_named_by_its_kind() -> None:
    words = {
        "Apple Mail loads images ahead": opened(60, APPLE_AHEAD),
        "The mail service loads images ahead": opened(60, GMAIL_AHEAD),
        "A mail scanner checked it": opened(60, BARRACUDA),
        "A program loaded it": opened(60, "curl/8.0"),
        "A link card was drawn": clicked(60, user_agent=SLACK),
    }
    for beginning, request in words.items():
        verdict = judge(request)
        assert verdict.state is State.MACHINE
        assert verdict.words.startswith(beginning)


def test_apple_is_named_before_a_scanner_because_it_leaves_the_question_open() -> None:
    verdict = judge(opened(4, BARRACUDA), opened(60, APPLE_AHEAD))

    assert verdict.words.startswith("Apple Mail")
    assert verdict.read is None


def test_our_own_opens_and_silence_show_nothing() -> None:
    assert judge(opened(60, agent_session=True)).state is State.NONE
    assert judge().state is State.NONE


def test_an_answer_proves_the_reading_unless_it_is_automatic() -> None:
    assert judge(replied_at=_at(60)).state is State.REPLIED
    assert judge(replied_at=_at(60), reply_automatic=True).read is None


def test_a_click_just_after_delivery_is_pending_for_half_a_minute() -> None:
    history = copy(clicked(9))

    waiting = classify(history, now=_at(38.9))
    settled = classify(history, now=_at(39))

    assert (waiting.read, waiting.state, waiting.pending_until) == (None, State.NONE, _at(39))
    assert (settled.read, settled.pending_until) == (True, None)
    assert classify(history).read is True


def test_a_pending_click_that_turns_out_to_be_a_scanner_s_is_never_read() -> None:
    burst = copy(*(clicked(9 + n / 4, str(n)) for n in range(4)))

    assert classify(burst, now=_at(11)).read is False
    assert classify(burst, now=_at(11)).pending_until is None


def test_an_open_and_a_later_click_are_never_pending() -> None:
    assert judge(opened(9)).pending_until is None
    assert classify(copy(clicked(10)), now=_at(10)).read is True


def test_an_old_list_of_networks_lowers_confidence_and_flips_nothing() -> None:
    requests = [
        opened(60, APPLE_AHEAD, networks=["apple_relay"]),
        opened(HOUR, networks=["gateway"]),
        opened(HOUR, OUTLOOK, networks=["cloud"]),
    ]

    fresh, stale = judge(*requests), judge(*requests, networks_stale=True)

    assert [j.kind for j in fresh.requests] == [j.kind for j in stale.requests]
    assert [j.confidence for j in fresh.requests] == [0.95, 0.75, 0.7]
    assert [j.confidence for j in stale.requests] == [0.85, 0.65, 0.7]


def test_without_a_known_delivery_three_seconds_are_allowed_for_it() -> None:
    assert judge(opened(8.5, OUTLOOK), delivered_at=None).read is False
    assert judge(opened(9.5, OUTLOOK), delivered_at=None).read is True


def test_a_clock_that_ran_backwards_accuses_nobody() -> None:
    assert judge(opened(-3 * HOUR, OUTLOOK)).read is True


def test_judgements_come_in_the_order_of_the_requests() -> None:
    verdict = judge(opened(HOUR, OUTLOOK), opened(4, BARRACUDA))

    assert [judgement.rule for judgement in verdict.requests] == ["mail-program", "named-scanner"]
