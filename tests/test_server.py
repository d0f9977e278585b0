"""The port that the server listens on."""

from __future__ import annotations

import socket

import pytest

from app.server import claim_port
from app.settings import ConfigurationError


def test_a_connection_sends_the_end_of_an_answer_without_waiting() -> None:
    with claim_port("127.0.0.1", 0, option="--port") as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_named_with_the_way_out() -> None:
    with claim_port("127.0.0.1", 0, option="--port") as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"Port {port} on 127.0.0.1 cannot be used.*--port"):
            claim_port("127.0.0.1", port, option="--port")
