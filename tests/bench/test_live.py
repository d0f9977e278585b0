"""The benchmark of open pages: every open is heard, and delays count from the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import live, live_client
from bench.live_client import Told


def test_pages_hear_of_every_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = live.Plan(pages=8, rate=4, seconds=1, rounds=1)
    without, with_pages = live.run(plan, tmp_path)
    live.print_table(plan, without, with_pages)

    table = capsys.readouterr().out.splitlines()
    assert with_pages.missing == 0
    assert with_pages.told > 0
    assert min(without.top, with_pages.top, with_pages.events) > 0
    assert next(line for line in table if "memory of a page" in line).split()[-1] == f"{with_pages.page / 1024:,.1f}"


def test_a_delay_counts_from_the_answer_and_an_early_event_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10.0
    monkeypatch.setattr(live_client, "clock", lambda: now)
    told = Told()
    told.asked(1)
    now = 11.0
    told.answered(1)
    now = 13.0
    told.heard(1)
    told.asked(2)
    now = 14.0
    told.heard(2)
    now = 15.0
    told.answered(2)
    assert (told.delays, told.events, told.missing) == ([2.0, 0.0], 2, 0)


def test_an_open_that_no_page_hears_of_is_missing() -> None:
    told = Told()
    for ticket_id in (1, 2):
        told.asked(ticket_id)
        told.answered(ticket_id)
    told.heard(2)
    told.heard(3)
    assert (len(told.delays), told.events, told.missing) == (1, 2, 1)
