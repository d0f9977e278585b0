"""Somebody sets the clock of the web server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.localdb import LocalDatabase
from tests.support.clock import WallClock
from tests.support.faults import Portal
from tests.support.load import Load

HOUR, MONTHS, YEARS = timedelta(hours=1), timedelta(days=70), timedelta(days=800)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "clock")


@pytest.fixture
def portal(database: LocalDatabase, clock: WallClock, tmp_path: Path) -> Iterator[Portal]:
    """A portal that lives by this clock."""
    portal = Portal(tmp_path / "portal", database, environment=clock.environment)
    portal.start()
    yield portal
    database.resume()
    portal.kill()


def test_a_clock_that_jumps_back_and_far_ahead_loses_and_doubles_no_answered_event(
    portal: Portal, database: LocalDatabase, clock: WallClock
) -> None:
    with Load(portal.port, portal.hits(portal.copies(200))) as load:
        load.go_on(100)
        for silent in (False, True):
            if silent:
                database.pause()
            for by in (-HOUR, timedelta(), YEARS, -MONTHS, timedelta()):
                clock.differ(by)
                load.go_on(100)
            database.resume()
        load.go_on(100)
        tally = load.stop()
    assert tally.is_whole, tally
    portal.assert_even(tally)
    years = {row["year"] for row in portal.rows("SELECT DISTINCT YEAR(occurred_at) AS year FROM email_tracking_events")}
    assert len(years) > 1, "the clock did not jump"
