"""The sockets that the web process listens on."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from app.server import claim_path, claim_port
from app.settings import ConfigurationError


def test_the_end_of_an_answer_does_not_wait_for_the_client_to_acknowledge_its_beginning() -> None:
    with claim_port("127.0.0.1", 0, option="--port") as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"Port {port} .*--smtp-port"):
            claim_port("127.0.0.1", port, option="--smtp-port")


def test_a_unix_socket_is_open_to_every_user_who_reaches_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with claim_path(path, option="--uds"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666


def test_a_unix_socket_that_nobody_answers_any_more_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    claim_path(path, option="--uds").close()
    with claim_path(path, option="--uds") as listener:
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_a_unix_socket_that_somebody_answers_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with claim_path(path, option="--uds") as listener:
        listener.listen()
        with pytest.raises(ConfigurationError, match=r"web\.sock.*--uds"):
            claim_path(path, option="--uds")
        assert path.exists()


def test_a_file_in_the_place_of_a_unix_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match=r"web\.sock"):
        claim_path(path, option="--uds")
    assert path.read_text() == "mine"
