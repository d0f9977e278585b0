"""How a web process ends: what is under way goes out first, and nothing can hold it for ever."""

from __future__ import annotations

import signal
import socket

import pytest

from app.server.worker import NOT_STARTED
from tests.server.conftest import Plain, StartPlain, read_all, until

HALF = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf"


def _under_way(plain: Plain) -> socket.socket:
    """A request whose answer the test decides about: it needs the other half."""
    sock = plain.connect()
    sock.sendall(HALF)
    assert plain.hear() == "body began"
    return sock


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_under_way_is_answered_before_the_application_ends(plain: Plain, number: signal.Signals) -> None:
    with plain.connect() as idle, _under_way(plain) as sock:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        idle.recv(1000)
        plain.stop(number)
        assert idle.recv(1000) == b"", "a kept-alive connection is closed"
        assert plain.process.poll() is None
        sock.sendall(b"half")
        assert read_all(sock).endswith(b"\r\n\r\n8")
    assert plain.wait() == 0
    assert plain.rest == ["body complete", "ending"]
    assert plain.errors == ""


@pytest.mark.parametrize("path", ["/direct", "/direct/later", "/client"])
def test_who_asks_on_an_open_connection_at_the_end_is_answered_and_told_that_it_was_the_last(
    plain: Plain, path: str
) -> None:
    ask = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with plain.connect() as sock:
        sock.sendall(ask)
        assert b"connection: close" not in sock.recv(1000)
        plain.stop()
        # One connection asks on and on, so that the process goes on answering until it is told to leave.
        answers = []
        for _ in range(200):
            sock.sendall(ask)
            answers.append(sock.recv(1000))
            if b"connection: close" in answers[-1]:
                break
        assert b"connection: close" in answers[-1]
        assert {one[9:12] for one in answers} == {b"200"}
    assert plain.wait() == 0


def test_the_application_ends_cleanly_although_a_client_never_does(start: StartPlain) -> None:
    plain = start("--limit=GRACE=0.3")
    assert plain.hear() == "started"
    until(lambda: not plain._refuses())
    with _under_way(plain), plain.connect() as half_a_head:
        half_a_head.sendall(b"GET / HT")
        plain.stop()
        assert plain.wait() == 0
    assert plain.rest == ["ending"]
    assert "still open are cut" in plain.errors


def test_a_second_signal_cuts_the_waiting_short(start: StartPlain) -> None:
    plain = start("--limit=GRACE=3600")
    assert plain.hear() == "started"
    until(lambda: not plain._refuses())
    with _under_way(plain):
        plain.stop(signal.SIGINT)
        plain.process.send_signal(signal.SIGINT)
        assert plain.wait() == 0
    assert plain.rest == ["ending"]
    assert "hurried=True" in plain.errors


def test_an_application_that_does_not_end_is_left_behind(start: StartPlain) -> None:
    plain = start("--limit=LIFESPAN=0.3", NEVER_END="1")
    assert plain.hear() == "started"
    until(lambda: not plain._refuses())
    plain.stop()
    assert plain.wait() == 1
    assert "did not end in time" in plain.errors


def test_an_application_that_does_not_start_says_why(start: StartPlain) -> None:
    plain = start(REFUSE_TO_START="1")
    assert plain.wait() == NOT_STARTED
    assert "no, says the application" in plain.errors
