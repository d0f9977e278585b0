"""The database dies, hangs, refuses: mail clients notice nothing, and every answered event is there once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from pymysql.constants import ER

from app.localdb import LocalDatabase
from tests.support.faults import NAME, PASSWORD, USER, Portal
from tests.support.load import Load

SECONDS = float(os.environ.get("MYPORTAL_FAULT_SECONDS", "5"))
"""How long a silent database stays silent."""


@pytest.fixture
def load(portal: Portal) -> Iterator[Load]:
    """Opens and clicks of copies of this test's own, already under way."""
    with Load(portal.port, portal.hits(portal.copies(200))) as load:
        load.go_on(100)
        yield load


def test_a_database_that_is_killed_and_started_again_loses_no_answered_event(
    portal: Portal, database: LocalDatabase, load: Load
) -> None:
    database.kill()
    load.go_on(300)
    database.start()
    load.go_on(300)
    tally = load.stop()
    assert tally.is_whole, tally
    portal.assert_even(tally)


@pytest.mark.timeout(120 + 2 * SECONDS)
def test_a_database_that_freezes_loses_no_answered_event(portal: Portal, database: LocalDatabase, load: Load) -> None:
    database.pause()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        load.go_on(50)
    database.resume()
    load.go_on(300)
    tally = load.stop()
    assert tally.is_whole, tally
    portal.assert_even(tally)


def test_a_read_only_database_loses_no_answered_event(portal: Portal, database: LocalDatabase, load: Load) -> None:
    database.execute("SET GLOBAL read_only = 1")
    load.go_on(300)
    database.execute("SET GLOBAL read_only = 0")
    load.go_on(300)
    tally = load.stop()
    assert tally.is_whole, tally
    portal.assert_even(tally)


def _take_all(portal: Portal, database: LocalDatabase, taken: list[Any], count: int) -> None:
    """Let ours take the place of the portal's connections as those are closed; it may be quicker than we are."""
    deadline = time.monotonic() + 30
    while len(taken) < count:
        assert time.monotonic() < deadline, f"only {len(taken)} of {count} connections were to be had"
        ours = {connection.thread_id() for connection in taken}
        for row in portal.rows("SHOW PROCESSLIST"):
            if row["User"] == USER and row["Id"] not in ours:
                database.execute(f"KILL {row['Id']}")
        try:
            while len(taken) < count:
                taken.append(
                    pymysql.connect(unix_socket=str(database.socket), user=USER, password=PASSWORD, database=NAME)
                )
        except pymysql.err.OperationalError as error:
            if error.args[0] != ER.CON_COUNT_ERROR:
                raise


def test_a_database_without_a_free_connection_loses_no_answered_event(
    portal: Portal, database: LocalDatabase, load: Load
) -> None:
    database.execute("SET GLOBAL max_connections = 10")
    taken: list[Any] = []
    try:
        _take_all(portal, database, taken, 10)
        load.go_on(300)
    finally:
        for connection in taken:
            connection.close()
        database.execute("SET GLOBAL max_connections = 151")
    load.go_on(300)
    tally = load.stop()
    assert tally.is_whole, tally
    portal.assert_even(tally)


def test_ids_from_before_the_mark_are_recorded_although_the_database_cannot_be_asked_for_them(
    portal: Portal, database: LocalDatabase
) -> None:
    hits = portal.hits(portal.copies(100, marked=False))
    database.pause()
    with Load(portal.port, hits, connections=64, limit=400) as load:
        load.go_on(300)
        database.resume()
        tally = load.wait()
    assert tally.is_whole, tally
    portal.assert_even(tally)
