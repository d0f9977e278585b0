"""A small, strict IMAP server over one folder, for what our client says; a test can cut it at any command."""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.support.background import Background


@dataclass
class Stored:
    """A mail of the folder."""

    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)


class ImapServer:
    """Listens on a free port of loopback, inside a `with`, in a thread of its own.

    cut_before: a command's name; the connection breaks once before it is carried out. tls: from the first byte.
    """

    def __init__(self, *, idle: bool = True, tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self.mails: list[Stored] = []
        self.uid_validity = 7
        self.cut_before = ""
        self.commands: list[str] = []
        self._idle = idle
        self._tls = tls
        self._background = Background()
        self._server: asyncio.Server | None = None
        self._idlers: list[asyncio.StreamWriter] = []

    def add(self, raw: bytes, *, uid: int | None = None) -> Stored:
        """Put a mail into the folder; who idles is told."""
        number = uid or max((one.uid for one in self.mails), default=0) + 1
        stored = Stored(number, raw)
        self.mails.append(stored)
        self._background.call(self._tell)
        return stored

    def _tell(self) -> None:
        for writer in self._idlers:
            writer.write(f"* {len(self.mails)} EXISTS\r\n".encode())

    def __enter__(self) -> Self:
        self._background.__enter__()
        self._background.run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._background.call(self._server.close)
        self._background.__exit__(kind, error, trace)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._session, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        logged_in = selected = False
        writer.write(b"* OK ready\r\n")
        try:
            while line := await reader.readline():
                tag, command, rest = re.fullmatch(r"(\S+) (UID \S+|\S+) ?(.*)\r\n", line.decode()).groups()  # type: ignore[union-attr]
                command = command.upper()
                self.commands.append(f"{command} {rest}".strip())
                if self.cut_before and command == self.cut_before:
                    self.cut_before = ""
                    writer.transport.abort()
                    return
                known = {"CAPABILITY", "LOGIN", "LOGOUT", "NOOP"}
                if (command not in known and not logged_in) or (command.startswith("UID") and not selected):
                    writer.write(f"{tag} BAD not now\r\n".encode())
                    continue
                if command == "CAPABILITY":
                    writer.write(f"* CAPABILITY IMAP4rev1{' IDLE' if self._idle else ''}\r\n".encode())
                elif command == "LOGIN":
                    logged_in = rest.replace('"', "") == "bob secret"
                    if not logged_in:
                        writer.write(f"{tag} NO wrong password in {rest}\r\n".encode())
                        continue
                elif command == "SELECT":
                    selected = True
                    next_uid = max((one.uid for one in self.mails), default=0) + 1
                    writer.write(
                        f"* {len(self.mails)} EXISTS\r\n* FLAGS (\\Seen)\r\n"
                        f"* OK [UIDVALIDITY {self.uid_validity}] ok\r\n* OK [UIDNEXT {next_uid}] ok\r\n".encode()
                    )
                elif command == "UID SEARCH":
                    writer.write(f"* SEARCH {self._search(rest)}".rstrip().encode() + b"\r\n")
                elif command == "UID FETCH":
                    self._fetch(writer, rest)
                elif command == "UID STORE":
                    numbers = [int(one) for one in rest.split(" ")[0].split(",")]
                    assert "+FLAGS.SILENT (\\Seen)" in rest, rest
                    for one in self.mails:
                        if one.uid in numbers:
                            one.flags.add("\\Seen")
                elif command == "IDLE":
                    writer.write(b"+ idling\r\n")
                    self._idlers.append(writer)
                    done = await reader.readline()
                    self._idlers.remove(writer)
                    assert done == b"DONE\r\n", done
                elif command == "LOGOUT":
                    writer.write(f"* BYE\r\n{tag} OK bye\r\n".encode())
                    return
                elif command != "NOOP":
                    writer.write(f"{tag} BAD unknown\r\n".encode())
                    continue
                writer.write(f"{tag} OK done\r\n".encode())
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _search(self, criteria: str) -> str:
        found = self.mails
        if "UNSEEN" in criteria:
            found = [one for one in found if "\\Seen" not in one.flags]
        since = re.search(r"UID (\d+):\*", criteria)
        if since is not None:
            newest = max((one.uid for one in self.mails), default=0)
            found = [one for one in found if one.uid >= int(since[1]) or one.uid == newest]
        return " ".join(str(one.uid) for one in found)

    def _fetch(self, writer: asyncio.StreamWriter, rest: str) -> None:
        number, items = rest.split(" ", 1)
        for sequence, one in enumerate(self.mails, 1):
            if one.uid != int(number):
                continue
            if "RFC822.SIZE" in items:
                writer.write(f"* {sequence} FETCH (UID {one.uid} RFC822.SIZE {len(one.raw)})\r\n".encode())
                continue
            assert "PEEK" in items, items
            is_header = "HEADER" in items
            data = one.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if is_header else one.raw
            name = "BODY[HEADER]" if is_header else "BODY[]"
            writer.write(f"* {sequence} FETCH (UID {one.uid} {name} {{{len(data)}}}\r\n".encode() + data + b")\r\n")
