"""What Granian makes of requests, odd ones too; our own process around it, no database."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.server.conftest import Plain, StartPlain, read_all, until

IDLE_CONNECTIONS = 1500
"""More than Granian serves at once where nobody tells it otherwise."""


def _status(answer: bytes) -> bytes:
    return answer[9:12]


def test_every_byte_in_a_path_is_answered_when_it_is_percent_encoded(plain: Plain) -> None:
    assert {_status(plain.get(f"/id%{byte:02x}.gif")) for byte in range(256)} == {b"200"}


def test_no_raw_byte_in_a_path_harms_the_server(plain: Plain) -> None:
    for byte in range(256):
        answer = plain.ask(b"GET /id" + bytes([byte]) + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        # RFC 9112 lets a server refuse what is no request line; letters, digits and marks are one.
        allowed = {b"200"} if 0x21 <= byte < 0x7F and byte not in b'"<>`' else {b"200", b"400"}
        assert _status(answer) in allowed, bytes([byte])
    assert _status(plain.get("/")) == b"200"


def test_requests_that_come_in_one_piece_are_answered_in_order(plain: Plain) -> None:
    piece = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    answers = plain.ask(
        piece % 1 + b"x" + piece % 3 + b"xxx" + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    assert answers.count(b"200 OK") == 3
    assert answers.index(b"\r\n\r\n1HTTP") < answers.index(b"\r\n\r\n3HTTP")


def test_head_has_the_headers_and_no_body(plain: Plain) -> None:
    answer = plain.ask(b"HEAD /client HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"content-length: 9\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_large_upload_arrives_whole(plain: Plain) -> None:
    size = 32_000_000
    with plain.connect() as sock:
        sock.sendall(
            b"POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
        )
        assert read_all(sock).endswith(b"\r\n\r\n%d" % size)


def test_a_head_without_end_is_refused(plain: Plain) -> None:
    with plain.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 100_000)
        assert _status(sock.recv(100)) == b"431"


def test_forwarded_headers_do_not_change_the_peer(plain: Plain) -> None:
    answer = plain.ask(
        b"GET /client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\n"
        b"Connection: close\r\n\r\n"
    )
    assert answer.endswith(b"\r\n\r\n127.0.0.1")


def test_a_client_over_a_unix_socket_counts_as_this_machine(start: StartPlain, tmp_path: Path) -> None:
    plain = start(uds=tmp_path / "web.sock")
    assert plain.hear() == "started"
    until(lambda: not plain._refuses())
    for path in ("/client", "/direct"):
        assert plain.get(path).endswith(b"\r\n\r\n127.0.0.1")


@pytest.mark.parametrize("path", ["/direct", "/direct/later", "/direct/twice"])
def test_what_is_answered_without_a_coroutine_is_answered_like_the_rest(plain: Plain, path: str) -> None:
    answer = plain.get(path)
    assert _status(answer) == b"200"
    assert answer.endswith(b"\r\n\r\n127.0.0.1")
    assert plain.ask(f"HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()).endswith(b"\r\n\r\n")


def test_an_answer_that_cannot_be_sent_is_a_fault_and_costs_nobody_else(plain: Plain) -> None:
    assert _status(plain.get("/direct/broken")) == b"500"
    assert _status(plain.get("/direct")) == b"200"


def test_requests_of_both_ways_on_one_connection_are_answered_in_order(plain: Plain) -> None:
    paths = ["/direct/later", "/client", "/direct", "/slow", "/direct/later"] * 20
    piece = "".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n" for path in paths)
    answers = plain.ask(piece.encode() + b"GET /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answers.count(b"200 OK") == 101
    bodies = [part.partition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 200 OK")[1:]]
    wanted = [b"" if path == "/slow" else b"127.0.0.1" for path in paths]
    assert bodies == [*wanted, b"0"]


@pytest.mark.parametrize("path", ["/raise", "/direct/raise"])
def test_a_fault_of_the_application_is_logged_as_ours_are_and_told_nobody(plain: Plain, path: str) -> None:
    for _ in range(3):
        answer = plain.get(path)
        assert _status(answer) == b"500"
        assert b"canary" not in answer
    assert _status(plain.get("/direct")) == b"200"
    plain.stop()
    plain.wait()
    assert "RuntimeError: canary of the application" in plain.errors
    assert "[error" in plain.errors


def test_clients_that_leave_are_no_matter_for_the_log(plain: Plain) -> None:
    with plain.connect() as sock:
        sock.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        assert plain.hear() == "body began"
    assert plain.hear() == "client left"
    with plain.connect() as sock:
        sock.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        sock.recv(100)
    assert plain.hear() == "client left"
    plain.stop()
    assert plain.wait() == 0
    assert plain.errors == ""


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for the test's own ends of many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, IDLE_CONNECTIONS + 1000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_connections_that_never_finish_their_request_do_not_stop_others(plain: Plain) -> None:
    with ExitStack() as held:
        for _ in range(IDLE_CONNECTIONS):
            held.enter_context(plain.connect()).sendall(b"GET / HTTP/1.1\r\nHost")
        assert _status(plain.get("/")) == b"200"


@pytest.mark.parametrize("beginning", [b"", b"GET / HTTP/1.1\r\nHost", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_a_connection_that_asks_nothing_is_closed_after_a_while(start: StartPlain, beginning: bytes) -> None:
    plain = start("--limit=IDLE=0.2")
    assert plain.hear() == "started"
    until(lambda: not plain._refuses())
    with plain.connect() as sock:
        sock.sendall(beginning)
        assert b"400" not in read_all(sock)
