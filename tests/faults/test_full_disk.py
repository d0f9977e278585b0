"""No room on the disk of the database, of the spool, of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.localdb import LocalDatabase
from tests.support.faults import Portal, copied
from tests.support.load import Load, eventually
from tests.support.small_disk import fill, relieve, small_disk


@pytest.fixture
def portals(tmp_path: Path) -> Iterator[list[Portal]]:
    """What a test starts; the end comes by itself."""
    portals: list[Portal] = []
    yield portals
    for portal in portals:
        portal.kill()


def test_a_full_database_loses_no_answered_event(template: Path, tmp_path: Path, portals: list[Portal]) -> None:
    with small_disk(tmp_path / "disk", megabytes=160) as disk:
        database = copied(template, disk / "db")
        database.start()
        try:
            portal = Portal(tmp_path / "portal", database)
            portals.append(portal)
            portal.start()
            with Load(portal.port, portal.hits(portal.copies(200)), gap=0.005) as load:
                load.go_on(100)
                fill(disk)
                eventually(lambda: portal.spooled() > 200, seconds=60, what="events in the spool")
                load.go_on(300)
                relieve(disk)
                load.go_on(300)
                tally = load.stop()
            assert tally.is_whole, tally
            portal.assert_even(tally)
            portal.kill()
        finally:
            database.kill()


def test_with_database_and_spool_gone_readers_are_answered_and_the_loss_is_counted(
    database: LocalDatabase, tmp_path: Path, portals: list[Portal]
) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        portal = Portal(tmp_path / "portal", database, spool=disk / "spool")
        portals.append(portal)
        portal.start()
        with Load(portal.port, portal.hits(portal.copies(200)), gap=0) as load:
            load.go_on(100)
            database.pause()
            eventually(lambda: _lost(portal) > 100, seconds=60, what="the disk of the spool to be full")
            assert portal.get("/readyz").status_code == 503
            database.resume()
            load.go_on(300)
            tally = load.stop()
        assert tally.is_whole, tally
        eventually(lambda: not portal.spooled(), seconds=60, what="an empty spool")
        lost = _lost(portal)
        portal.assert_even(tally, lost=lost)
        # The spool has its room back.
        with Load(portal.port, portal.hits(portal.copies(50))) as load:
            database.pause()
            load.go_on(300)
            database.resume()
            tally = load.stop()
        portal.assert_even(tally)
        assert _lost(portal) == lost
        portal.kill()


def test_a_full_disk_for_the_spool_is_no_loss_while_the_database_takes_events(
    database: LocalDatabase, tmp_path: Path, portals: list[Portal]
) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        portal = Portal(tmp_path / "portal", database, spool=disk / "spool")
        portals.append(portal)
        fill(disk)
        portal.start()
        with Load(portal.port, portal.hits(portal.copies(100)), limit=500) as load:
            tally = load.wait()
        assert tally.is_whole, tally
        portal.assert_even(tally)
        # The next fault of the database finds room again.
        relieve(disk)
        with Load(portal.port, portal.hits(portal.copies(50))) as load:
            database.pause()
            load.go_on(300)
            database.resume()
            tally = load.stop()
        portal.assert_even(tally)
        portal.kill()


def _lost(portal: Portal) -> int:
    return int(portal.metric("myportal_tracking_lost_events_total"))
