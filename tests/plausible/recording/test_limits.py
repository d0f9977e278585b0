"""How often something may happen in a minute."""

from __future__ import annotations

import pytest

from plugins.plausible.recording import limits
from plugins.plausible.recording.limits import WINDOW, Limit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_may_so_often_and_then_waits_for_the_next_window() -> None:
    clock = Clock()
    limit = Limit(3, clock=clock)
    assert [limit.over("a") for _ in range(5)] == [False, False, False, True, True]
    assert not limit.over("b")
    clock.now += WINDOW - 0.001
    assert limit.over("a")
    clock.now += 0.001
    assert not limit.over("a")


def test_any_number_of_keys_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEYS", 10)
    limit = Limit(1, clock=Clock())
    assert not limit.over("first")
    assert not any(limit.over(str(number)) for number in range(100) for _ in range(1))
    assert len(limit._counts) == 10
    assert limit.over("first")
    assert not limit.over("99")
