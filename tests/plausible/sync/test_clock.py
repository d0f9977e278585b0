"""A portal whose clock is wrong sends nothing on a wrong day, and throws nothing away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from plugins.plausible.sync import job
from plugins.plausible.sync.clock import VALID, Clock, length
from plugins.plausible.sync.outcome import Outcome
from tests.plausible.sync.conftest import World

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Hands:
    """A clock and the seconds that really pass."""

    def __init__(self) -> None:
        self.now, self.passed = NOON, 0.0

    def wait(self, seconds: float) -> None:
        self.now, self.passed = self.now + timedelta(seconds=seconds), self.passed + seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.passed)


def heard(date: str | None = "Thu, 26 Nov 2026 12:00:00 GMT") -> httpx.Headers:
    """The headers of an answer."""
    return httpx.Headers({"date": date} if date is not None else {})


def test_nobody_knows_before_an_answer_and_long_after_one() -> None:
    hands = Hands()
    clock = hands.clock()
    assert not clock.is_right
    clock.hear(heard())
    assert clock.is_right
    hands.wait(VALID + 1)
    assert not clock.is_known
    assert clock.problem == ""


@pytest.mark.parametrize("date", [None, "yesterday", ""])
def test_an_answer_without_a_time_gives_nothing_to_compare_with(date: str | None) -> None:
    clock = Hands().clock()
    clock.hear(heard(date))
    assert clock.is_right


@pytest.mark.parametrize(
    ("hours", "words"), [(24, "is 1 day behind"), (-24, "is 1 day ahead of"), (36, "is 36 hours behind")]
)
def test_a_clock_that_is_off_is_told(hours: float, words: str) -> None:
    hands = Hands()
    hands.now += timedelta(hours=hours)
    clock = hands.clock()
    clock.hear(heard())
    assert clock.is_known
    assert not clock.is_right
    assert f"{words} this portal's clock" in clock.problem


def test_a_jump_ends_what_is_known() -> None:
    hands = Hands()
    clock = hands.clock()
    clock.hear(heard())
    hands.now += timedelta(days=1)
    assert not clock.is_known


def test_spans_have_words() -> None:
    assert length(timedelta(days=-3)) == "3 days"
    assert length(timedelta(minutes=61)) == "61 minutes"
    assert length(timedelta(seconds=50)) == "1 minute"


async def test_a_clock_a_day_ahead_throws_nothing_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "IDLE", 0.0)
    world.shift = timedelta()
    await world.read(3)
    world.plausible.instance.clock = lambda: datetime.now(UTC)
    world.shift = timedelta(days=1)
    worker = world.worker()
    await world.run(worker)
    assert not world.posts
    found = await world.check(waiting=3)
    assert "1 day behind this portal's clock" in found.problem
    assert found.paused_until is not None
    world.shift = timedelta()
    await world.run(worker)
    # Some of them, where the test runs at midnight.
    totals = (await world.check()).totals
    assert totals[Outcome.ACCEPTED] + totals[Outcome.TOO_OLD] == 3


async def test_a_clock_that_jumps_while_a_worker_runs_stops_it(world: World) -> None:
    world.plausible.instance.clock = lambda: datetime.now(UTC)
    await world.read(1)
    worker = world.worker()
    await world.run(worker)
    sent = len(world.posts)
    world.shift = timedelta(days=-1)
    await world.read(2)
    await world.run(worker)
    assert len(world.posts) == sent
    assert "1 day ahead of this portal's clock" in (await world.account()).problem


async def test_without_an_answer_what_is_old_waits_three_days_more(world: World) -> None:
    world.plausible.down()
    await world.read(2)
    world.shift += timedelta(days=2)
    worker = world.worker()
    await world.run(worker)
    await world.check(waiting=2)
    world.shift += timedelta(days=3)
    await worker.sweep()
    await world.check(too_old=2)
