"""IMAPClient that connects to addresses which were looked at, and to no others.

The library resolves the name itself, once more, and an attacker's name server could give it another answer than the one
that was checked ("DNS rebinding"). TLS keeps the name.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from functools import partial

import imapclient
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.tls import IMAP4_TLS, wrap_socket

from app.outbound.guard import tried

Connect = Callable[[], socket.socket]


class PinnedClient(imapclient.IMAPClient):  # type: ignore[misc]
    """addresses: of `host`, checked, best first; the first that answers is taken. timeout: seconds to connect to one of
    them, for all together, and for each answer. context: for TLS from the first byte; None for a plain connection, on
    which `starttls` may follow. Raises OSError.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        addresses: Sequence[str],
        timeout: float,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._addresses = tried(addresses)
        super().__init__(host, port=port, ssl=context is not None, ssl_context=context, timeout=timeout)

    def _create_IMAP4(self) -> IMAP4WithTimeout | IMAP4_TLS:  # noqa: N802
        connect = partial(_connected, self._addresses, self.port, self._timeout.connect)
        if self.ssl:
            return _Encrypted(connect, self.host, self.port, self.ssl_context)
        return _Plain(connect, self.host, self.port)


def _connected(addresses: Sequence[str], port: int, timeout: float) -> socket.socket:
    """A connection to the first address that answers, within `timeout` seconds for all of them."""
    until = time.monotonic() + timeout
    failed = OSError("there is no address to connect to")
    for left in range(len(addresses), 0, -1):
        share = max((until - time.monotonic()) / left, 0.1)
        try:
            return socket.create_connection((addresses[-left], port), timeout=share)
        except OSError as error:
            failed = error
    raise failed


class _Plain(IMAP4WithTimeout):  # type: ignore[misc]
    def __init__(self, connect: Connect, host: str, port: int) -> None:
        self._socket_of = connect
        super().__init__(host, port, None)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._socket_of()


class _Encrypted(IMAP4_TLS):  # type: ignore[misc]
    def __init__(self, connect: Connect, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._socket_of = connect
        super().__init__(host, port, context)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        secured: socket.socket = wrap_socket(self._socket_of(), self.ssl_context, self.host)
        return secured
