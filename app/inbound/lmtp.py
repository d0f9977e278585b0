"""An LMTP (RFC 2033) or SMTP listener for a mail server on this machine: 250 only once the mail is committed."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

from app.database import DatabaseUnavailable
from app.inbound import mailboxes, store
from app.inbound.errors import MailRefused, MailTooLarge
from app.runtime import Runtime

log = structlog.get_logger(__name__)

MAX_RECIPIENTS = 100
"""Recipients of one mail; the mail server sends the rest in another turn."""
GRACE = 10.0
"""Seconds that connections have to end once the listener stops."""


class _Handler:
    """Stores each mail once per mailbox that it is for."""

    def __init__(self, runtime: Runtime, *, smtp: bool) -> None:
        self._runtime = runtime
        self._smtp = smtp

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Any, address: str, rcpt_options: list[str]
    ) -> str:
        """Any address: which ones are ours is the mail server's matter, and it asked us."""
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients, send the rest in another turn"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        """One answer for each recipient in LMTP, one for all in SMTP."""
        raw: bytes = envelope.original_content or envelope.content
        answers = [await self._store(raw, recipient) for recipient in envelope.rcpt_tos]
        if not self._smtp:
            return "\r\n".join(answers)
        # The worst: who is told 250 forgets the mail; who sends it again gives copies that are known.
        return max(answers, key=lambda answer: {"2": 0, "5": 1, "4": 2}[answer[0]])

    async def _store(self, raw: bytes, recipient: str) -> str:
        with self._runtime.entered():
            try:
                box = await mailboxes.of_recipient(self._runtime, recipient)
                stored = await store.receive(self._runtime, raw, source="lmtp", mailbox_id=box, recipient=recipient)
            except MailTooLarge as error:
                return f"552 5.3.4 {error}"
            except MailRefused as error:
                return f"554 5.6.0 {error}"
            except DatabaseUnavailable:
                return "451 4.3.0 The database does not answer, try again later"
            except Exception:
                log.exception("a mail could not be stored")
                return "451 4.3.0 The mail could not be stored, try again later"
        return f"250 2.0.0 Stored as {stored.id}"


class _Lines:
    """Mails have longer lines than RFC 5321 allows; refusing one for it would lose it."""

    line_length_limit = 1_000_000
    command_size_limit = 4_096


class _Lmtp(_Lines, LMTP):
    pass


class _Smtp(_Lines, SMTP):
    pass


class Listener:
    """Listens inside an `async with`; `port` is the one that it has, also where 0 was asked for."""

    def __init__(self, runtime: Runtime, *, host: str, port: int, smtp: bool = False) -> None:
        self.port = port
        self._runtime = runtime
        self._host = host
        self._protocol = _Smtp if smtp else _Lmtp
        self._handler = _Handler(runtime, smtp=smtp)
        self._server: asyncio.Server | None = None

    def _connection(self) -> Any:
        return self._protocol(
            self._handler,
            data_size_limit=self._runtime.settings.inbound_max_bytes,
            hostname="myportal",
            ident="MyPortal",
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
            timeout=300,
        )

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(self._connection, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
