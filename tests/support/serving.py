"""A real web process over the test database."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Served:
    """A running `myportal serve`."""

    url: str
    process: asyncio.subprocess.Process


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[str]:
    """`myportal serve` on a free port of loopback with these settings; its address, which is PORTAL_URL."""
    async with start(settings) as running:
        yield running.url


@asynccontextmanager
async def start(settings: Settings, *options: str, uds: Path | None = None, wait: bool = True) -> AsyncIterator[Served]:
    """`myportal serve` with these options; a free port of loopback where they name none.

    uds: where it listens instead. wait: until it answers.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": str(settings.database_url),
        "PORTAL_URL": url,
        "SECRET_KEY": settings.key,
        "VAR_DIR": str(settings.var_dir),
        "OUTBOUND_ALLOWED": ",".join(settings.outbound_allowed),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "serve", f"--port={port}", *options, cwd=ROOT, env=environment
    )
    try:
        if wait:
            await _answering(url, process, uds)
        yield Served(url, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answering(url: str, process: asyncio.subprocess.Process, uds: Path | None) -> None:
    transport = httpx.AsyncHTTPTransport(uds=str(uds) if uds else None)
    async with httpx.AsyncClient(transport=transport) as client:
        for _ in range(600):
            assert process.returncode is None, "the web process ended; its words stand above"
            try:
                await client.get(f"{url}/healthz")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
    raise AssertionError(f"no answer from {url} within a minute")
