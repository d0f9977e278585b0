"""The file format: what was written comes back, and from a damaged file never anything else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.spool import segment
from app.spool.segment import Chunk, Header

KEY = bytes.fromhex("00112233445566ff")
WRONG_KEY = bytes(8)
NOON = 1_767_268_800_000_000

VERSION_1 = bytes.fromhex(
    "8953504f4f4c0d0a0001000000112233445566ff00064752550bf000000000000000000051df1e41"
    "d6535031639fa523000000126669727374206f662076657273696f6e2031d6535031804ad3520000"
    "0000d65350316f70a29900000008746869726420ff00"
)
"""Three records as the first version wrote them, without a time of their own."""


def file_of(records: Sequence[bytes], *, key: bytes = KEY) -> bytes:
    return segment.encode_header(Header(key, NOON, 7)) + segment.encode(records, key=key, at=NOON + 1)


def read_all(data: bytes, *, limit: int = 10_000, key: bytes = KEY) -> Chunk:
    """Read a file to its end in chunks, as a replay does."""
    whole = Chunk(0)
    while whole.position < len(data):
        chunk = segment.read(data, whole.position, limit, key=key)
        assert chunk.position > whole.position
        assert len(chunk.records) <= limit
        whole.position = chunk.position
        whole.records += chunk.records
        whole.damaged += chunk.damaged
        whole.torn += chunk.torn
    return whole


def is_subsequence(part: Sequence[bytes], whole: Sequence[bytes]) -> bool:
    remaining = iter(whole)
    return all(record in remaining for record in part)


def start_of(records: Sequence[bytes], index: int) -> int:
    """Where the record with this index begins in `file_of(records)`."""
    return segment.HEADER_SIZE + sum(len(record) + segment.RECORD_OVERHEAD for record in records[:index])


payloads = st.one_of(
    st.binary(max_size=60),
    # What is worst for the search: bytes that look like records.
    st.binary(max_size=30).map(lambda record: segment.encode([record], key=WRONG_KEY, at=NOON)),
    st.sampled_from([b"\xd6SP2", b"\xd6SP1", b"\xd6SP2" * 9, bytes(40), b""]),
)
record_lists = st.lists(payloads, max_size=12)


@given(record_lists, st.integers(1, 20))
def test_what_was_written_comes_back_in_chunks_of_any_size(records: list[bytes], limit: int) -> None:
    data = file_of(records)

    whole = read_all(data, limit=limit)

    assert whole == Chunk(len(data), records)
    assert segment.count(data) == len(records)


@given(record_lists, st.data())
def test_a_flipped_byte_costs_the_record_that_it_stands_in(records: list[bytes], draw: st.DataObject) -> None:
    data = bytearray(file_of(records))
    place = draw.draw(st.integers(0, len(data) - 1))
    data[place] ^= draw.draw(st.integers(1, 255))

    whole = read_all(bytes(data))

    hit = [index for index in range(len(records)) if place >= start_of(records, index)]
    expected = records[: hit[-1]] + records[hit[-1] + 1 :] if hit else records
    assert whole.records == expected
    assert whole.damaged == 1 or whole.torn


@given(record_lists, st.data())
def test_of_a_file_cut_off_the_whole_records_come_back(records: list[bytes], draw: st.DataObject) -> None:
    data = file_of(records)
    length = draw.draw(st.integers(0, len(data) - 1))

    whole = read_all(data[:length])

    kept = [index for index in range(len(records)) if start_of(records, index + 1) <= length]
    assert whole.records == [records[index] for index in kept]
    assert whole.damaged == 0, "a write cut short is no damage"


@given(record_lists, st.data())
def test_whatever_is_done_to_a_file_no_wrong_record_comes_out(records: list[bytes], draw: st.DataObject) -> None:
    data = bytearray(file_of(records))
    for _ in range(draw.draw(st.integers(1, 4))):
        begin = draw.draw(st.integers(0, len(data)))
        end = draw.draw(st.integers(begin, min(len(data), begin + 50)))
        data[begin:end] = draw.draw(st.one_of(st.just(b""), st.just(bytes(end - begin)), payloads))

    assert is_subsequence(read_all(bytes(data)).records, records)


@example(b"")
@given(st.binary(max_size=300))
def test_nothing_comes_out_of_what_was_never_a_segment(data: bytes) -> None:
    assert read_all(data).records == []


def test_a_record_within_a_damaged_record_is_not_taken_for_one() -> None:
    forged = segment.encode([b"forged"], key=WRONG_KEY, at=NOON)
    data = bytearray(file_of([b"first", b"user agent " + forged, b"last"]))
    data[start_of([b"first"], 1)] ^= 1

    assert read_all(bytes(data)).records == [b"first", b"last"]


def test_the_name_of_the_file_stands_in_for_the_key_of_a_damaged_header() -> None:
    records = [b"one", b"two"]
    data = bytes(segment.HEADER_SIZE) + file_of(records)[segment.HEADER_SIZE :]

    assert read_all(data, key=KEY) == Chunk(len(data), records, damaged=1)
    assert read_all(data, key=WRONG_KEY).records == []


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(bytes(5000), id="zeros that a growing file left"),
        pytest.param(segment.encode([b"x" * 90], key=KEY, at=NOON)[:-1], id="a record without its last byte"),
        pytest.param(b"\xd6S", id="half a marker"),
    ],
)
def test_a_torn_end_is_told_from_damage(rest: bytes) -> None:
    data = file_of([b"one"]) + rest

    assert read_all(data) == Chunk(len(data), [b"one"], torn=len(rest))


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(segment.encode([b"x" * 90], key=WRONG_KEY, at=NOON), id="whole in length but wrong"),
        pytest.param(b"something else", id="no record"),
        pytest.param(b"\xd6SP2" + b"\xff" * 40, id="longer than any record may be"),
    ],
)
def test_an_end_that_no_crash_leaves_is_damage(rest: bytes) -> None:
    data = file_of([b"one"]) + rest

    assert read_all(data) == Chunk(len(data), [b"one"], damaged=1)


def test_a_file_of_version_1_is_read() -> None:
    header = segment.read_header(VERSION_1)

    assert header == Header(KEY, NOON, 0, version=1)
    assert read_all(VERSION_1) == Chunk(len(VERSION_1), [b"first of version 1", b"", b"third \xff\x00"])
    assert segment.count(VERSION_1) == 3
    assert segment.time_at(VERSION_1, segment.HEADER_SIZE) is None


def test_records_and_headers_carry_their_time() -> None:
    data = file_of([b"one", b"two"])

    header = segment.read_header(data)
    assert header is not None
    assert (header.created, header.sequence) == (NOON, 7)
    assert segment.time_at(data, segment.HEADER_SIZE) == NOON + 1
    assert segment.time_at(data, len(data)) is None
