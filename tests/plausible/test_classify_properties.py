"""Whatever comes in: no crash, the same result in any order, and a cost that grows with the number of requests."""

from __future__ import annotations

import random
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.plausible.classify import Context, CopyHistory, Request, chosen_headers, classify
from plugins.plausible.classify.looks import forget
from tests.support.opens import (
    APPLE_AHEAD,
    BARE,
    BARRACUDA,
    CHROME,
    DELIVERED,
    DRIVEN,
    GMAIL,
    IMAGE,
    OLD_CHROME,
    OUTLOOK,
    SENT,
    VISIT,
    clicked,
    copy,
    opened,
)
from tests.support.opens_plainly import classify_plainly

HOUR = 3600.0
NETWORKS = ["apple_relay", "google", "microsoft", "gateway", "proxy", "cloud", "agent", "portal"]
# Few values, close together, so that ties, bursts and twins are common.
REQUESTS = st.builds(
    lambda after, kind, link, **more: Request(
        at=DELIVERED + timedelta(seconds=after), kind=kind, link=link if kind == "click" else None, **more
    ),
    after=st.sampled_from([-30.0, -1.5, 0.0, 4.0, 9.0, 9.2, 9.9, 11.0, 30.0, 60.0, 61.0, 62.0, 900.0, 1800.0, 2700.0]),
    kind=st.sampled_from(["open", "click"]),
    link=st.sampled_from(["0", "1", "2", "trap", None, "unknown"]),
    method=st.sampled_from(["GET", "GET", "GET", "HEAD"]),
    user_agent=st.sampled_from([CHROME, OLD_CHROME, OUTLOOK, GMAIL, APPLE_AHEAD, BARRACUDA, None]),
    referrer=st.sampled_from([None, "https://help.example.net/tickets/1", "https://mail.example/"]),
    headers=st.sampled_from([None, (), BARE, IMAGE, VISIT, DRIVEN]),
    networks=st.frozensets(st.sampled_from(NETWORKS), max_size=2),
    client=st.sampled_from(["a", "b", None]),
    agent_session=st.sampled_from([False, False, True]),
    customer_session=st.sampled_from([False, False, False, True]),
    repeats=st.sampled_from([1, 1, 1, 50]),
)
# An hour later, when nothing is hurried: only what the requests say of each other decides.
BUSY = st.builds(
    lambda after, link, **more: Request(
        at=DELIVERED + timedelta(seconds=3600 + after), kind="click" if link else "open", link=link, **more
    ),
    after=st.sampled_from([0.0, 0.2, 0.6, 1.5, 2.9, 3.5, 10.0, 18.0, 20.0, 22.0, 24.0, 40.0, 60.0, 80.0]),
    link=st.sampled_from(["0", "0", "1", "1", "2", "trap", None]),
    user_agent=st.sampled_from([CHROME, CHROME, OUTLOOK, GMAIL]),
    headers=st.sampled_from([VISIT, VISIT, DRIVEN]),
    networks=st.sampled_from([frozenset[str](), frozenset[str](), frozenset({"cloud"})]),
    client=st.sampled_from(["a", "a", "b", None]),
)
CONTEXTS = st.builds(
    Context,
    sent_at=st.sampled_from([SENT, None]),
    delivered_at=st.sampled_from([DELIVERED, None]),
    links=st.sampled_from([(), ("0",), ("0", "1"), ("0", "1", "2"), ("0", "1", "0", "2")]),
    trap_link=st.sampled_from([None, "trap"]),
    portal_host=st.sampled_from([None, "help.example.net"]),
    recipient_internal=st.booleans(),
    agent_copy=st.sampled_from([False, False, False, True]),
    shared_with_agent=st.sampled_from([False, False, False, True]),
    agent_forwarded_at=st.sampled_from([None, DELIVERED + timedelta(seconds=61)]),
    replied_at=st.sampled_from([None, DELIVERED + timedelta(seconds=61)]),
    reply_automatic=st.booleans(),
    networks_stale=st.booleans(),
    machine_opens=st.sampled_from([(), (), (DELIVERED + timedelta(seconds=61),), (SENT, DELIVERED)]),
)


@given(CONTEXTS, st.lists(REQUESTS, max_size=14), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(
    context: Context, requests: list[Request], shuffler: random.Random
) -> None:
    order = list(range(len(requests)))
    shuffler.shuffle(order)
    now = DELIVERED + timedelta(seconds=31)

    straight = classify(CopyHistory(context, requests), now=now)
    mixed = classify(CopyHistory(context, [requests[i] for i in order]), now=now)

    assert [straight.requests[i] for i in order] == list(mixed.requests)
    assert (straight.read, straight.state, straight.words) == (mixed.read, mixed.state, mixed.words)
    assert (straight.first_read_at, straight.pending_until) == (mixed.first_read_at, mixed.pending_until)


@settings(max_examples=300)
@given(
    CONTEXTS,
    st.one_of(st.lists(REQUESTS, max_size=9), st.lists(BUSY, max_size=9)),
    st.sampled_from([None, DELIVERED + timedelta(seconds=31)]),
)
def test_memory_and_shortcuts_change_nothing(context: Context, requests: list[Request], now: datetime | None) -> None:
    history = CopyHistory(context, requests)

    cold = classify(history, now=now)
    warm = classify(history, now=now)

    assert cold == warm == classify_plainly(history, now=now)


TICKET = "https://help.example.net/tickets/1"


@pytest.mark.parametrize(
    ("request_", "change"),
    [
        (opened(HOUR, OLD_CHROME), {"sent_at": SENT - timedelta(days=900)}),
        (opened(HOUR, referrer=TICKET), {"portal_host": "mail.example"}),
        (opened(HOUR, referrer=TICKET), {"customer_paths": ("/tickets/",)}),
        (opened(HOUR, networks=["agent"]), {"recipient_internal": True}),
        (opened(HOUR), {"agent_copy": True}),
        (opened(HOUR, networks=["gateway"]), {"networks_stale": True}),
    ],
)
def test_what_is_remembered_of_a_request_is_not_used_for_another_copy(
    request_: Request, change: dict[str, Any]
) -> None:
    plain, changed = copy(request_), copy(request_, **change)

    forget()
    first, second = classify(plain), classify(changed)

    assert first.requests != second.requests
    assert (first, second) == (classify_plainly(plain), classify_plainly(changed))


@given(st.lists(REQUESTS, max_size=6), st.sampled_from(range(6)))
def test_a_request_that_is_stored_twice_changes_nothing(requests: list[Request], which: int) -> None:
    context = Context(SENT, DELIVERED, ("0", "1", "2"), trap_link="trap")
    twice = [*requests, *requests[which : which + 1]]

    once = classify(CopyHistory(context, requests))

    assert classify(CopyHistory(context, twice)).requests[: len(requests)] == once.requests
    assert classify(CopyHistory(context, twice)).read == once.read


ODD_TEXTS = ["<b>\x00\r\n", "x" * 65_536, "\ud800", "Chrome/" + "9" * 999]
TEXT = st.one_of(st.none(), st.text(max_size=40), st.sampled_from(ODD_TEXTS))
NAMES = st.one_of(st.text(max_size=9), st.binary(max_size=9), st.just("Sec-Fetch-User"), st.just(b"ACCEPT"))


@given(TEXT, TEXT, TEXT, st.lists(st.tuples(NAMES, st.binary(max_size=300)), max_size=8))
def test_nothing_that_a_request_may_carry_breaks_it(
    user_agent: str | None, referrer: str | None, link: str | None, headers: list[Any]
) -> None:
    request = clicked(60, user_agent=user_agent, referrer=referrer, headers=chosen_headers(headers))
    foreign = tuple((name.decode("latin-1") if isinstance(name, bytes) else name, "x") for name, _ in headers)
    named = clicked(61, user_agent=user_agent, headers=foreign)

    verdict = classify(copy(request, named, opened(60, user_agent), trap_link=link))

    assert len(verdict.requests) == 3


@pytest.mark.parametrize(
    "referrer", ["https://[", "http://[::1", "//", "https://other.example:bad/", "\x00", "https://" + "a" * 70_000]
)
def test_a_broken_referer_is_no_page(referrer: str) -> None:
    [judgement] = classify(copy(opened(3600, referrer=referrer))).requests

    assert judgement.rule == "browser"


def test_a_doubled_or_foreign_header_is_kept_readable() -> None:
    kept = chosen_headers([("ACCEPT", "a"), (b"accept", b"\xff\x00"), ("Cookie", "secret"), ("Sec-Fetch-User", "?1")])

    assert kept == (("accept", "a, ÿ"), ("sec-fetch-user", "?1"))


@pytest.mark.parametrize("varied", [False, True])
def test_ten_times_the_history_costs_about_ten_times_the_steps(varied: bool) -> None:
    small, large = (_steps(size, varied=varied) for size in (200, 2_000))

    assert large < 14 * small


def _steps(size: int, *, varied: bool) -> int:
    """Lines of Python that one classification runs: the machine's speed does not matter to them."""
    requests = [
        clicked(3 * n, str(n % 5), f"{CHROME} {n if varied else n % 7}", client=str(n % 11))
        if n % 3
        else opened(3 * n, f"{CHROME} {n if varied else n % 7}", client=str(n % 11))
        for n in range(size)
    ]
    history = copy(*requests, links=5)
    steps = 0

    def count(frame: Any, event: str, argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return count

    forget()
    sys.settrace(count)
    try:
        classify(history)
    finally:
        sys.settrace(None)
    return steps
