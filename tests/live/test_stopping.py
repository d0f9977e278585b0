"""A real server process ends although a page holds a stream open."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.accounts import service as accounts
from app.accounts.models import User
from app.runtime import Runtime
from app.settings import Settings
from app.web.access import session_cookie
from tests.conftest import SECRET_KEY

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(settings: Settings, runtime: Runtime, port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`myportal serve` over the test's database; what it logs is in the file `errors`."""
    environment = {
        **os.environ,
        "DATABASE_URL": str(settings.database_url),
        "PORTAL_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": SECRET_KEY,
        "VAR_DIR": str(tmp_path),
    }
    with (tmp_path / "errors").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(port)], cwd=ROOT, env=environment, stderr=errors
        )
    yield process
    process.kill()
    process.wait()


async def test_the_server_ends_when_asked_although_a_page_listens(
    server: subprocess.Popen[bytes], port: int, settings: Settings, agent: User, tmp_path: Path
) -> None:
    token = await accounts.start_session(agent, address="127.0.0.1", user_agent="test")
    transport = httpx.AsyncHTTPTransport(retries=100)
    async with (
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            cookies={session_cookie(settings): token},
            transport=transport,
            timeout=30,
        ) as client,
        client.stream("GET", "/live?topics=tickets") as response,
    ):
        lines = response.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        server.send_signal(signal.SIGTERM)
        rest = [line async for line in lines]
    assert rest.count("event: ping") == 1
    assert server.wait(30) == 0
    assert "are cut" not in (tmp_path / "errors").read_text(), "the page was let go, not waited for in vain"
