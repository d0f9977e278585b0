"""Hands copies to a mail server over one connection, and says truly how each ended.

How an ending is judged:

- Nothing that happens before the final dot of a mail can have delivered it, so it is
  *temporary*: no connection, DNS, TLS, a refused EHLO or login, time-outs, drops. So are
  4xx answers, and the answers that say "log in first" (530, 534, 535, 538): a wrong
  setting of ours must not kill mails, it must wait for whoever corrects it.
- 5xx answers to MAIL, RCPT, DATA and the mail itself are *permanent*.
- A drop or time-out after the final dot is *unknown* (RFC 1047): the server may have it.
"""

import asyncio
import base64
import contextlib
import functools
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

import aiosmtplib

from app.email import smtp_data
from app.email.addresses import check_email
from app.email.errors import AddressRefused

MAX_WORDS = 500
"""Characters of a server's words that are kept."""

_LOGIN_WANTED = frozenset((530, 534, 535, 538))
_CLOSING = 421


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How to reach the mail server. Times are in seconds.

    tls: "none" never encrypts, "starttls" insists on it after connecting, "tls" connects encrypted.
    timeout: for connecting and for each answer before the mail itself.
    stall_timeout: without any progress while the mail is being written; body_timeout: for writing it in all.
    final_timeout: for the answer after the final dot; longer than elsewhere, because giving
        up there leaves a mail of which nobody knows whether it arrived.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Literal["none", "starttls", "tls"] = "none"
    timeout: float = 30.0
    stall_timeout: float = 120.0
    body_timeout: float = 600.0
    final_timeout: float = 300.0
    local_hostname: str | None = None
    tls_context: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How handing over one copy ended.

    code: the server's SMTP code, None where it gave none.
    text: the server's words, or ours where it said nothing; one line, never a secret.
    """

    kind: Literal["accepted", "temporary", "permanent", "unknown"]
    code: int | None
    text: str


class SmtpTransport:
    """One connection to the mail server, opened when first needed and again when it broke.

    Use as `async with SmtpTransport(settings) as transport`, for one mail after the other.
    """

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._smtp: aiosmtplib.SMTP | None = None
        self._used = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._smtp is not None and self._smtp.is_connected and error is None:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await self._smtp.quit(timeout=min(self._settings.timeout, 5))
        self._drop()
        # Closing is done by the event loop; let it, so that no socket outlives us.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def deliver(
        self,
        envelope_from: str,
        recipient: str,
        data: bytes,
        before_data: Callable[[], Awaitable[None]],
    ) -> Outcome:
        """Hand over one mail to one recipient.

        data: the whole message with CRLF line ends. before_data: awaited once the server has
        taken sender and recipient, right before the DATA command; what it raises is raised
        here, and nothing was sent then. No other error is raised.
        """
        try:
            sender, receiver = check_email(envelope_from), check_email(recipient)
        except AddressRefused as error:
            return Outcome("permanent", None, str(error))
        problem = await self._prepare(sender, receiver, len(data))
        if problem is not None:
            return problem
        await before_data()
        return await self._send(data)

    async def _prepare(self, sender: str, receiver: str, size: int) -> Outcome | None:
        """Connect and give the envelope; None when the server is ready for DATA.

        A server may end a connection that has carried enough mails for it; then a new one is tried at once.
        """
        reused = self._used and self._smtp is not None
        problem = await self._envelope(sender, receiver, size)
        if problem is not None and reused and self._smtp is None:
            problem = await self._envelope(sender, receiver, size)
        return problem

    async def _envelope(self, sender: str, receiver: str, size: int) -> Outcome | None:
        try:
            smtp = await self._connected()
            self._used = True
            options = [b"SIZE=%d" % size] if smtp.supports_extension("size") else []
            for command in (
                [b"MAIL", b"FROM:<%s>" % sender.encode(), *options],
                [b"RCPT", b"TO:<%s>" % receiver.encode()],
            ):
                response = await smtp.execute_command(*command, timeout=self._settings.timeout)
                if not 200 <= response.code < 300:
                    return self._answer(response.code, response.message)
        except aiosmtplib.SMTPAuthenticationError as error:
            self._drop()
            return self._temporary(
                f"The mail server {self._name} refused the login ({error.code} {error.message}); "
                "check SMTP_USERNAME and SMTP_PASSWORD.",
                error.code,
            )
        except aiosmtplib.SMTPResponseException as error:
            self._drop()
            return self._temporary(f"The mail server {self._name} refused us: {error.message}", error.code)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            self._drop()
            return self._temporary(f"No mail could be handed to {self._name}: {error or type(error).__name__}")
        return None

    async def _connected(self) -> aiosmtplib.SMTP:
        """Return a connection that expects a new mail."""
        if self._smtp is not None and self._smtp.is_connected:
            if not self._used:
                return self._smtp
            try:
                await self._smtp.rset(timeout=self._settings.timeout)
                return self._smtp
            except (aiosmtplib.SMTPException, OSError):
                # A server may close an idle connection at any time; that is no reason to make a mail wait.
                self._drop()
        return await self._connect()

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        self._used = False
        self._smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password,
            local_hostname=settings.local_hostname or await asyncio.to_thread(_own_name),
            timeout=settings.timeout,
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            tls_context=settings.tls_context,
        )
        await self._smtp.connect()
        if self._smtp.is_ehlo_or_helo_needed:
            try:
                await self._smtp.ehlo()
            except aiosmtplib.SMTPHeloError:
                await self._smtp.helo()
        return self._smtp

    async def _send(self, data: bytes) -> Outcome:
        """Write the mail. Whatever leaves the conversation in the middle of a mail ends the connection."""
        protocol = self._smtp.protocol if self._smtp is not None else None
        if protocol is None:
            self._drop()
            return self._temporary("The mail server closed the connection before the mail was sent.")
        complete = False
        try:
            reply = await smtp_data.send(
                protocol,
                data,
                timeout=self._settings.timeout,
                stall_timeout=self._settings.stall_timeout,
                body_timeout=self._settings.body_timeout,
                final_timeout=self._settings.final_timeout,
            )
            complete = reply.complete
        finally:
            if not complete:
                self._drop()
        if reply.code is None:
            kind: Literal["unknown", "temporary"] = "unknown" if reply.dot_sent else "temporary"
            return Outcome(kind, None, self._words(reply.text))
        if reply.dot_sent and 200 <= reply.code < 300:
            return Outcome("accepted", reply.code, self._words(reply.text))
        if reply.dot_sent and not 400 <= reply.code < 600:
            self._drop()
            return Outcome("unknown", reply.code, self._words(f"The mail server gave no proper answer: {reply.text}"))
        return self._answer(reply.code, reply.text)

    def _answer(self, code: int, text: str) -> Outcome:
        """Judge an answer that is not the wanted one and certainly no acceptance."""
        if code == _CLOSING:
            self._drop()
        permanent = 500 <= code < 600 and code not in _LOGIN_WANTED
        return Outcome("permanent" if permanent else "temporary", code, self._words(text))

    def _temporary(self, text: str, code: int | None = None) -> Outcome:
        return Outcome("temporary", code if code and code > 0 else None, self._words(text))

    def _words(self, text: str) -> str:
        """Make one printable line of a server's words, without our password should it repeat it."""
        line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        if password := self._settings.password:
            plain = f"\0{self._settings.username or ''}\0{password}"
            for secret in (password, _base64(password), _base64(plain)):
                line = line.replace(secret, "***")
        return line[:MAX_WORDS]

    @property
    def _name(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _drop(self) -> None:
        """End the connection at once, without sending what is still in its buffers."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        if isinstance(smtp.transport, asyncio.WriteTransport):
            smtp.transport.abort()
        smtp.close()


@functools.cache
def _own_name() -> str:
    """Return the name we greet with; asking the resolver for it can take seconds, so it is asked once."""
    return socket.getfqdn() or "localhost"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
