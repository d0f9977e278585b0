"""Strangers send what they like; readers' opens and clicks go on being recorded."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from app.localdb import LocalDatabase
from plugins.plausible.events import OPEN
from plugins.plausible.fast_path import GIF
from plugins.plausible.links import PREFIX
from tests.support.faults import Portal
from tests.support.load import HOST, Hit, Load, open_hit, request

HITS = int(os.environ.get("MYPORTAL_FAULT_HITS", "20000"))
"""Opens of one id."""
CONNECTIONS = int(os.environ.get("MYPORTAL_FAULT_CONNECTIONS", "300"))
"""Clients that never finish their request."""
FLOOD = 5000
"""Opens of ids that nobody has."""


@pytest.mark.timeout(120 + HITS / 1000)
def test_hits_on_one_id_are_all_counted(portal: Portal) -> None:
    [tracking_id] = portal.copies(1)
    hit = open_hit(portal.links, tracking_id, address="203.0.113.9")
    with Load(portal.port, [hit], connections=256, gap=0, limit=HITS) as load:
        tally = load.wait(seconds=60 + HITS / 1000)
    assert tally.is_whole, tally
    assert tally.answered == {(tracking_id, OPEN): HITS}
    portal.assert_even(tally)
    # Counted, not kept one by one.
    [kept] = portal.rows(f"SELECT COUNT(*) AS events FROM email_tracking_events WHERE tracking_id = '{tracking_id}'")  # noqa: S608
    assert kept["events"] < HITS / 5


@pytest.mark.timeout(180)
def test_clients_that_never_finish_their_request_do_not_keep_readers_waiting(portal: Portal) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(_unfinished(portal.port)) for _ in range(CONNECTIONS)]
        with Load(portal.port, portal.hits(portal.copies(100))) as load:
            for _ in range(10):
                load.go_on(100)
                for client in slow:
                    _drip(client)
            tally = load.stop()
    assert tally.is_whole, tally
    portal.assert_even(tally)


@contextmanager
def _unfinished(port: int) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, port), timeout=20) as client:
        client.sendall(b"GET " + PREFIX.encode() + b"pixel/x.gif HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        yield client


def _drip(client: socket.socket) -> None:
    """One byte more, as long as the server still listens."""
    try:
        client.send(b"x")
    except OSError:
        client.close()


def test_a_pixel_answers_with_every_byte_value_in_its_id(portal: Portal) -> None:
    [tracking_id] = portal.copies(1)
    # A letter or digit, too, makes another id of it.
    names = [name for byte in range(256) for name in (f"%{byte:02X}{tracking_id}", f"{tracking_id}%{byte:02x}")]
    hits = [Hit((name, OPEN), request(f"{PREFIX}pixel/{name}.gif"), 200, GIF) for name in names]
    with Load(portal.port, hits, limit=len(hits)) as load:
        tally = load.wait()
    assert tally.is_whole, tally
    assert portal.stored().keys().isdisjoint({(tracking_id, OPEN)})


def test_a_bare_byte_of_every_value_is_answered_with_the_pixel_or_refused_as_no_http(portal: Portal) -> None:
    [tracking_id] = portal.copies(1)
    refused = set()
    # These two end the path, and what stands before them is the copy's own address.
    for value in {*range(256)} - {*b"?#"}:
        target = f"{PREFIX}pixel/{tracking_id}".encode() + bytes([value]) + b".gif"
        answer = _answer(portal.port, request(target))
        if not (answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(GIF)):
            assert not answer or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 505 ")), (value, answer)
            refused.add(value)
    # RFC 3986 allows these only escaped.
    assert refused <= {*range(0x21), 0x7F, *range(0x80, 0x100), *b'"<>\\^`{|}'}
    assert portal.stored().keys().isdisjoint({(tracking_id, OPEN)})


def _answer(port: int, data: bytes) -> bytes:
    """All that the server says; nothing where it closes without a word."""
    got = b""
    with socket.create_connection((HOST, port), timeout=20) as client:
        client.sendall(data)
        while not got.endswith(GIF):
            try:
                piece = client.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            got += piece
    return got


def _without_mark() -> str:
    return secrets.token_urlsafe(32)


def _with_forged_mark() -> str:
    return secrets.token_urlsafe(40)


@pytest.mark.parametrize(
    ("made_up", "strangers"),
    [(_without_mark, 1), (_with_forged_mark, 250)],
    ids=["without a mark, from one address", "with a forged mark, from many addresses"],
)
def test_a_flood_of_unknown_ids_costs_readers_and_database_nothing(
    portal: Portal, made_up: Callable[[], str], strangers: int
) -> None:
    unknown = [
        open_hit(portal.links, made_up(), address=f"198.51.100.{1 + number % strangers}") for number in range(FLOOD)
    ]
    hits = portal.hits(portal.copies(100))
    before = _statements(portal)
    with (
        Load(portal.port, hits) as load,
        Load(portal.port, unknown, connections=64, gap=0, limit=FLOOD) as flood,
    ):
        flooded = flood.wait()
        load.go_on(50)
        tally = load.stop()
    # Far less than one statement for each; readers' events and the portal's own watch make some.
    assert _statements(portal) - before < FLOOD / 5 + 8 * tally.total
    assert tally.is_whole, tally
    assert flooded.is_whole, flooded
    portal.assert_even(tally)
    assert portal.stored().keys().isdisjoint(flooded.sent)


def test_a_flood_of_unknown_ids_while_the_database_is_away_leaves_nothing_behind(
    portal: Portal, database: LocalDatabase
) -> None:
    unknown = [open_hit(portal.links, _without_mark()) for _ in range(FLOOD)]
    with (
        Load(portal.port, portal.hits(portal.copies(100))) as load,
        Load(portal.port, unknown, gap=0, limit=FLOOD) as flood,
    ):
        load.go_on(50)
        database.pause()
        flooded = flood.wait()
        load.go_on(50)
        database.resume()
        tally = load.stop()
    assert tally.is_whole, tally
    assert flooded.is_whole, flooded
    portal.assert_even(tally)
    assert portal.stored().keys().isdisjoint(flooded.sent)


def _statements(portal: Portal) -> int:
    [row] = portal.rows("SHOW GLOBAL STATUS LIKE 'Questions'")
    return int(row["Value"])
