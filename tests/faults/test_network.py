"""The network between us and the database breaks; the database itself is well."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.localdb import LocalDatabase
from tests.support.faults import Portal, copied, free_port
from tests.support.load import Load
from tests.support.tcp_proxy import Mode, TcpProxy

SECONDS = float(os.environ.get("MYPORTAL_FAULT_SECONDS", "3"))
"""How long the network stays broken."""


@pytest.fixture(scope="module")
def database(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalDatabase]:
    """A server that listens on a port too."""
    server = copied(template, tmp_path_factory.mktemp("db"), port=free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def network(database: LocalDatabase) -> Iterator[TcpProxy]:
    """What lies between the portal and its database."""
    assert database.port is not None
    with TcpProxy(database.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def portal(database: LocalDatabase, network: TcpProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One web process whose database is behind the network."""
    portal = Portal(tmp_path_factory.mktemp("portal"), database, database_port=network.port)
    portal.start()
    yield portal
    portal.kill()


@pytest.mark.timeout(120 + 2 * SECONDS)
@pytest.mark.parametrize("mode", ["cut", "silent", "slow"])
def test_a_broken_network_loses_no_answered_event(portal: Portal, network: TcpProxy, mode: Mode) -> None:
    with Load(portal.port, portal.hits(portal.copies(200))) as load:
        load.go_on(100)
        network.become(mode)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            load.go_on(50)
        network.become("open")
        load.go_on(300)
        tally = load.stop()
    assert tally.is_whole, tally
    portal.assert_even(tally)


def test_connections_that_fell_silent_and_then_broke_lose_no_answered_event(portal: Portal, network: TcpProxy) -> None:
    with Load(portal.port, portal.hits(portal.copies(200))) as load:
        load.go_on(100)
        # What was sent into the silence is gone for good, perhaps a COMMIT whose answer never came.
        network.become("silent")
        load.go_on(300)
        network.become("cut")
        load.go_on(100)
        network.become("open")
        load.go_on(300)
        tally = load.stop()
    assert tally.is_whole, tally
    portal.assert_even(tally)


def test_connections_that_the_network_has_forgotten_lose_no_answered_event(portal: Portal, network: TcpProxy) -> None:
    with Load(portal.port, portal.hits(portal.copies(200)), gap=0) as load:
        for _ in range(3):
            load.go_on(300)
            # The database does not hear that anybody has gone, and keeps what they had locked.
            network.forsake()
        load.go_on(300)
        load.gap = 0.02
        load.go_on(300)
        tally = load.stop()
    assert tally.is_whole, tally
    portal.assert_even(tally)
