"""Web processes die, are ended, live side by side: what was answered is stored."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.localdb import LocalDatabase
from tests.support.faults import Portal
from tests.support.load import Load, eventually


@pytest.fixture
def portals(database: LocalDatabase, tmp_path: Path) -> Iterator[list[Portal]]:
    """What a test starts and does not end itself."""
    portals: list[Portal] = []
    yield portals
    database.resume()
    for portal in portals:
        portal.kill()


def test_a_worker_that_is_killed_under_load_loses_no_answered_event_and_comes_back(
    portals: list[Portal], database: LocalDatabase, tmp_path: Path
) -> None:
    portal = Portal(tmp_path, database, workers=2)
    portals.append(portal)
    portal.start()
    killed: set[int] = set()
    with Load(portal.port, portal.hits(portal.copies(200)), connections=32, gap=0) as load:
        # Until one died with requests in its hands, and both did.
        while len(killed) < 2 or not load.tally.unanswered + load.tally.cut:
            load.go_on(500)
            victim = portal.worker_pids()[0]
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
            eventually(
                lambda: len(set(portal.worker_pids()) - killed) == 2 and portal.is_alive(),
                seconds=30,
                what="a new worker",
            )
        load.go_on(500)
        tally = load.stop()
    assert not tally.wrong, tally
    assert not tally.late, tally
    portal.assert_even(tally)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_portal_that_is_ended_under_load_answers_and_stores_what_it_took(
    portals: list[Portal], database: LocalDatabase, tmp_path: Path, workers: int
) -> None:
    portal = Portal(tmp_path, database, workers=workers)
    portals.append(portal)
    portal.start()
    with Load(portal.port, portal.hits(portal.copies(200)), connections=32, gap=0) as load:
        load.go_on(500)
        assert portal.stop() == 0
        tally = load.stop()
    assert tally.is_whole, tally
    portal.start()
    portal.assert_even(tally)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_are_replaced_under_load_answer_and_store_everything(
    portals: list[Portal], database: LocalDatabase, tmp_path: Path, workers: int
) -> None:
    portal = Portal(tmp_path, database, workers=workers)
    portals.append(portal)
    portal.start()
    first = set(portal.worker_pids())
    with Load(portal.port, portal.hits(portal.copies(200)), connections=32, gap=0) as load:
        load.go_on(500)
        assert portal.process is not None
        portal.process.send_signal(signal.SIGHUP)
        eventually(lambda: not first & set(portal.worker_pids()), seconds=60, what="other workers")
        load.go_on(500)
        tally = load.stop()
    assert tally.is_whole, tally
    assert not tally.refused, tally
    portal.assert_even(tally)


def test_workers_are_replaced_while_the_database_is_silent(
    portals: list[Portal], database: LocalDatabase, tmp_path: Path
) -> None:
    portal = Portal(tmp_path, database)
    portals.append(portal)
    portal.start()
    first = set(portal.worker_pids())
    with Load(portal.port, portal.hits(portal.copies(200))) as load:
        load.go_on(100)
        database.pause()
        load.go_on(300)
        assert portal.process is not None
        portal.process.send_signal(signal.SIGHUP)
        eventually(lambda: not first & set(portal.worker_pids()), seconds=60, what="other workers")
        load.go_on(300)
        database.resume()
        load.go_on(100)
        tally = load.stop()
    assert tally.is_whole, tally
    assert not tally.refused, tally
    portal.assert_even(tally)


def test_a_portal_that_is_ended_while_the_database_is_silent_keeps_what_it_took(
    portals: list[Portal], database: LocalDatabase, tmp_path: Path
) -> None:
    portal = Portal(tmp_path, database)
    portals.append(portal)
    portal.start()
    with Load(portal.port, portal.hits(portal.copies(200))) as load:
        load.go_on(100)
        database.pause()
        load.go_on(300)
        assert portal.stop() in {0, -signal.SIGTERM}
        tally = load.stop()
    database.resume()
    assert not tally.wrong, tally
    assert not tally.cut, tally
    portal.start()
    portal.assert_even(tally)


def test_two_portals_share_one_spool_folder(portals: list[Portal], database: LocalDatabase, tmp_path: Path) -> None:
    first, second = (Portal(tmp_path / name, database, workers=2, spool=tmp_path / "spool") for name in ("a", "b"))
    portals += [first, second]
    first.start()
    second.start()
    with (
        Load(first.port, first.hits(first.copies(100))) as one,
        Load(second.port, second.hits(second.copies(100))) as two,
    ):
        one.go_on(50)
        two.go_on(50)
        database.pause()
        one.go_on(300)
        two.go_on(300)
        database.resume()
        one.go_on(100)
        two.go_on(100)
        tallies = one.stop(), two.stop()
    assert all(tally.is_whole for tally in tallies), tallies
    first.assert_even(tallies[0])
    second.assert_even(tallies[1])


def test_the_spool_of_a_portal_that_died_is_replayed_by_its_neighbour(
    portals: list[Portal], database: LocalDatabase, tmp_path: Path
) -> None:
    dying, living = (Portal(tmp_path / name, database, spool=tmp_path / "spool") for name in ("a", "b"))
    portals += [dying, living]
    dying.start()
    living.start()
    with Load(dying.port, dying.hits(dying.copies(100))) as load:
        load.go_on(50)
        database.pause()
        load.go_on(300)
        dying.kill()
        tally = load.stop()
    database.resume()
    living.assert_even(tally)
