"""Each file of tests has a portal of its own over a database of its own, both real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.localdb import LocalDatabase
from tests.support.faults import Portal, copied, make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with tracking on, to be copied."""
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def database(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalDatabase]:
    """A server for the tests of one file; each leaves it running and open to all."""
    server = copied(template, tmp_path_factory.mktemp("db"))
    server.start()
    yield server
    server.resume()
    server.stop()


@pytest.fixture(scope="module")
def portal(database: LocalDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One web process for the tests of one file: each finds it as the fault before has left it."""
    portal = Portal(tmp_path_factory.mktemp("portal"), database)
    portal.start()
    yield portal
    portal.kill()
