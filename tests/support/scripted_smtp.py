"""A small SMTP server that fails as it is told to, and remembers what it accepted.

async with ScriptedSmtp(Fault("rcpt", reply="450 later", times=1)) as server:
    ...  # connect to server.host, server.port
assert [mail.recipient for mail in server.accepted] == [...]
"""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

Stage = Literal["connect", "ehlo", "starttls", "auth", "rset", "mail", "rcpt", "data", "body", "dot", "after", "quit"]


@dataclass
class Fault:
    """One thing that goes wrong.

    at: the stage; "body" is in the middle of the mail after `after_bytes`, "dot" when the whole
        mail has arrived but is not answered yet, "after" when its acceptance was answered.
    do: "reply" answers `reply`, "drop" resets the connection, "close" ends it in order, "hang" says nothing.
    times: how often, None for always. recipient: only for mails to this address (from "rcpt" on).
    until: with "hang", the event after which all goes on as if nothing had been wrong.
    keep: at "dot", whether the server has accepted the mail although the client will not hear it.
    """

    at: Stage
    do: Literal["reply", "drop", "close", "hang"] = "reply"
    reply: str = "451 4.3.0 try again later"
    after_bytes: int = 0
    times: int | None = None
    recipient: str | None = None
    until: asyncio.Event | None = None
    keep: bool = False


@dataclass(frozen=True)
class AcceptedMail:
    """A mail the server took: envelope and content as it was before dot-stuffing."""

    sender: str
    recipient: str
    data: bytes


class _Gone(Exception):
    """The session is over."""


@dataclass
class ScriptedSmtp:
    """The server; listens on loopback while its `async with` block runs."""

    faults: list[Fault] = field(default_factory=list)
    login: tuple[str, str] | None = None
    tls: ssl.SSLContext | None = None
    accepted: list[AcceptedMail] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    gates: dict[Stage, asyncio.Event] = field(default_factory=dict)
    """Stages at which every session waits until the event is set."""
    waiting: int = 0
    """Sessions that wait at a gate now."""
    connections: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    _server: asyncio.Server | None = None
    _sessions: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    def failing(cls, *faults: Fault) -> "ScriptedSmtp":
        """Make a server with these faults."""
        return cls(faults=list(faults))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._server.wait_closed()

    def recipients(self) -> list[str]:
        """Who got a mail, sorted; somebody who got it twice stands there twice."""
        return sorted(mail.recipient for mail in self.accepted)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        self.connections += 1
        try:
            await _Session(self, reader, writer).run()
        except (_Gone, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._sessions.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def fault_at(self, stage: Stage, recipient: str) -> Fault | None:
        """Find the next fault of a stage and count it."""
        for fault in self.faults:
            if fault.at == stage and fault.times != 0 and fault.recipient in (None, recipient):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


class _Session:
    """One connection."""

    def __init__(self, server: ScriptedSmtp, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._sender = self._recipient = ""

    async def run(self) -> None:
        if not await self._fails("connect"):
            await self._say("220 scripted.test ESMTP")
        while line := await self._reader.readline():
            command = line.decode("ascii", "replace").rstrip("\r\n")
            self._server.commands.append(command)
            await self._obey(command, command.partition(" ")[0].upper())

    async def _obey(self, command: str, verb: str) -> None:
        if verb in ("EHLO", "HELO"):
            if not await self._fails("ehlo"):
                await self._say("\r\n".join(self._greeting()) if verb == "EHLO" else "250 scripted.test")
        elif verb == "STARTTLS" and self._server.tls is not None:
            if not await self._fails("starttls"):
                await self._say("220 go ahead")
                await self._writer.start_tls(self._server.tls)
        elif verb == "AUTH":
            if not await self._fails("auth"):
                await self._log_in(command)
        elif verb == "MAIL":
            if self._sender:
                await self._say("503 5.5.1 nested MAIL command")
            elif not await self._fails("mail"):
                self._sender = _path(command)
                await self._say("250 2.1.0 ok")
        elif verb == "RCPT":
            self._recipient = _path(command)
            if not await self._fails("rcpt"):
                await self._say("250 2.1.5 ok")
        elif verb == "DATA":
            if not await self._fails("data"):
                await self._say("354 go ahead")
                await self._take_mail()
        elif verb == "RSET":
            if not await self._fails("rset"):
                self._sender = self._recipient = ""
                await self._say("250 2.0.0 ok")
        elif verb == "QUIT":
            if not await self._fails("quit"):
                await self._say("221 2.0.0 bye")
                raise _Gone
        else:
            await self._say("502 5.5.2 unknown command")

    def _greeting(self) -> Iterator[str]:
        yield "250-scripted.test"
        yield "250-SIZE 50000000"
        if self._server.tls is not None and self._writer.get_extra_info("sslcontext") is None:
            yield "250-STARTTLS"
        if self._server.login is not None:
            yield "250-AUTH PLAIN"
        yield "250 8BITMIME"

    async def _log_in(self, command: str) -> None:
        given = base64.b64decode(command.split()[2]).decode().split("\0")[1:]
        right = self._server.login is not None and given == list(self._server.login)
        # A real server is more discreet; this one repeats what it got, to prove that we do not.
        await self._say("235 2.7.0 welcome" if right else f"535 5.7.8 no such login: {command} {given}")

    async def _take_mail(self) -> None:
        cut = next((one for one in self._server.faults if one.at == "body" and one.times != 0), None)
        if cut is not None and cut.recipient in (None, self._recipient):
            await self._reader.readexactly(cut.after_bytes)
            await self._fails("body")
        lines = []
        while (line := await self._reader.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                raise _Gone
            lines.append(line[1:] if line.startswith(b".") else line)
        mail = AcceptedMail(self._sender, self._recipient, b"".join(lines))
        self._sender = ""
        fault = next((one for one in self._server.faults if one.at == "dot" and one.times != 0), None)
        if fault is not None and fault.keep and fault.recipient in (None, self._recipient):
            self._server.accepted.append(mail)
        if await self._fails("dot"):
            return
        self._server.accepted.append(mail)
        await self._say("250 2.0.0 queued as 4711")
        await self._fails("after")

    async def _fails(self, stage: Stage) -> bool:
        """Do what goes wrong at this stage; False if nothing does."""
        if stage in self._server.gates:
            self._server.waiting += 1
            await self._server.gates[stage].wait()
            self._server.waiting -= 1
        fault = self._server.fault_at(stage, self._recipient)
        if fault is None:
            return False
        if fault.do == "reply":
            await self._say(fault.reply)
        elif fault.do == "hang":
            await (fault.until or asyncio.Event()).wait()
            return False
        else:
            if fault.do == "drop":
                self._writer.transport.abort()
            raise _Gone
        return True

    async def _say(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")
        await self._writer.drain()


def _path(command: str) -> str:
    return command[command.index("<") + 1 : command.index(">")]
