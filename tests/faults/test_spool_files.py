"""What a crash, a bad disk or an update leaves in the spool folder is replayed as far as it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest

from app.localdb import LocalDatabase
from app.spool import segment
from tests.support.faults import Portal
from tests.support.load import Load, Tally


@pytest.fixture
def portal(database: LocalDatabase, tmp_path: Path) -> Iterator[Portal]:
    """A portal for one test."""
    portal = Portal(tmp_path, database)
    portal.start()
    yield portal
    database.resume()
    portal.kill()


def filled(portal: Portal, database: LocalDatabase) -> Tally:
    """Events in its spool, and a portal that is dead."""
    with Load(portal.port, portal.hits(portal.copies(100)), limit=400) as load:
        database.pause()
        tally = load.wait()
    assert tally.is_whole, tally
    portal.kill()
    database.resume()
    return tally


def records(portal: Portal) -> Path:
    """The file with most of them."""
    return max((path for path in portal.spool.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def test_a_power_cut_loses_no_event_that_is_in_the_spool(portal: Portal, database: LocalDatabase) -> None:
    tally = filled(portal, database)
    assert records(portal).stat().st_size > 1000
    portal.start()
    portal.assert_even(tally)


def test_a_torn_tail_costs_only_the_torn_event(portal: Portal, database: LocalDatabase) -> None:
    tally = filled(portal, database)
    path = records(portal)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 3)
    portal.start()
    portal.assert_even(tally, lost=1)


def test_a_damaged_middle_costs_only_the_damaged_event_and_is_told(portal: Portal, database: LocalDatabase) -> None:
    tally = filled(portal, database)
    path = records(portal)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 0xFF]))
    portal.start()
    portal.assert_even(tally, lost=1)
    assert portal.metric("myportal_tracking_spool_damaged_total") == 1
    assert list(portal.spool.rglob("*.damaged"))


def test_a_spool_that_an_older_version_wrote_is_replayed(portal: Portal, database: LocalDatabase) -> None:
    tally = filled(portal, database)
    for path in portal.spool.rglob("*.spool"):
        path.write_bytes(as_version_1(path.read_bytes()))
    portal.start()
    portal.assert_even(tally)


def as_version_1(data: bytes) -> bytes:
    """The records of a segment as the first version of the format had them: without a time of their own."""
    header = segment.read_header(data)
    assert header is not None
    found = [segment.encode_header(replace(header, version=1))]
    for record in segment.read(data, 0, len(data), key=header.key).records:
        checked = len(record).to_bytes(4, "big") + record
        found.append(b"\xd6SP1" + crc32(checked, crc32(header.key)).to_bytes(4, "big") + checked)
    return b"".join(found)


def test_a_spool_of_a_newer_version_is_left_for_it(portal: Portal, database: LocalDatabase) -> None:
    tally = filled(portal, database)
    [path] = portal.spool.rglob("*.spool")
    ours = path.read_bytes()
    header = segment.read_header(ours)
    assert header is not None
    newer = segment.encode_header(replace(header, version=segment.VERSION + 1)) + ours[segment.HEADER_SIZE :]
    path.write_bytes(newer)
    portal.start()
    assert "newer version" in portal.get("/readyz").text
    assert path.read_bytes() == newer
    # What can be read again is not lost.
    portal.stop()
    path.write_bytes(ours)
    portal.start()
    portal.assert_even(tally)
