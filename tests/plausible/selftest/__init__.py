"""Servers that answer as the test says, and the self-test run against them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping

from app.database import Database
from app.hookspecs import CheckResult
from app.settings import Settings
from plugins.plausible import selftest
from plugins.plausible.links import Links
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.tokens import Signer
from tests.conftest import SECRET_KEY

MODULE = PlausibleSettings()
NETWORKS = CheckResult("List of networks", True, "new")
Steps = dict[str, CheckResult]
Answers = bytes | Callable[[str], bytes]
"""What a server says to everybody, or to each path."""


@contextlib.asynccontextmanager
async def answering(answer: Answers, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A web server; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            writer.write(answer if isinstance(answer, bytes) else answer(path))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def http(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """An answer; `cache_control="no-store"` gives the header Cache-Control."""
    named = {"content-length": str(len(body)), "connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def given(
    settings: Settings,
    database: Database,
    module: PlausibleSettings = MODULE,
    *,
    portal_url: str | None = None,
    tracking_url: str | None = None,
) -> selftest.Given:
    """What is tested, of a portal at these addresses."""
    settings = settings.model_copy(update={"portal_url": portal_url, "tracking_url": tracking_url})
    settings.__dict__.pop("portal", None)
    links = Links(portal_url, Signer([SECRET_KEY]), tracking_url=tracking_url) if portal_url else None
    return selftest.Given(settings, module, links, database, NETWORKS, b"k" * 32)


def by_name(steps: list[CheckResult]) -> Mapping[str, CheckResult]:
    """Steps by their names, of which none stands twice."""
    found = {step.name: step for step in steps}
    assert len(found) == len(steps)
    return found
