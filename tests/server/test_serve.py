"""`myportal serve` itself, over the test's database."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from tests.support.serving import Served, start

pytestmark = pytest.mark.usefixtures("runtime")


async def _processes(served: Served) -> float:
    """How many web processes are ready, as one of them tells."""
    async with httpx.AsyncClient(timeout=60) as client:
        found = re.search(r"^myportal_web_processes (\S+)$", (await client.get(f"{served.url}/metrics")).text, re.M)
    assert found
    return float(found[1])


async def _until_processes(served: Served, count: float) -> None:
    async with asyncio.timeout(60):
        while await _processes(served) != count:
            await asyncio.sleep(0.05)


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


async def test_one_process_serves_and_ends_when_asked(settings: Settings) -> None:
    async with start(settings) as served:
        assert await _processes(served) == 1
        assert len(_children(served.process.pid)) == 1
        served.process.terminate()
        assert await served.process.wait() == 0


async def test_two_processes_serve_and_one_that_is_killed_comes_back(settings: Settings) -> None:
    async with start(settings, "--workers=2") as served:
        await _until_processes(served, 2)
        first = _children(served.process.pid)
        os.kill(first[0], signal.SIGKILL)
        async with asyncio.timeout(60):
            while len(_children(served.process.pid)) < 2 or first[0] in _children(served.process.pid):
                await asyncio.sleep(0.05)
        await _until_processes(served, 2)
        served.process.terminate()
        assert await served.process.wait() == 0
        assert not [path for path in (settings.var_dir / "metrics").iterdir() if path.is_dir()]


async def test_sighup_replaces_the_process_while_it_answers(settings: Settings) -> None:
    async with start(settings) as served:
        await _until_processes(served, 1)
        [old] = _children(served.process.pid)
        served.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(60), httpx.AsyncClient(timeout=60) as client:
            while old in _children(served.process.pid):
                assert (await client.get(f"{served.url}/healthz")).status_code == 200
                await asyncio.sleep(0.02)
        assert len(_children(served.process.pid)) == 1
        assert await _processes(served) == 1
        served.process.terminate()
        assert await served.process.wait() == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_unix_socket_is_served_and_removed(settings: Settings, tmp_path: Path, workers: int) -> None:
    path = tmp_path / "web.sock"
    async with start(settings, f"--uds={path}", f"--workers={workers}", uds=path) as served:
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport, base_url=served.url) as client:
            assert (await client.get("/readyz")).json() == {"ready": True}
        served.process.terminate()
        assert await served.process.wait() == 0
    assert not path.exists()


async def test_a_taken_port_is_named_with_the_way_out(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with start(settings, f"--port={port}", wait=False) as served:
            assert await served.process.wait() == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in capfd.readouterr().err


async def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(
    settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    elsewhere = settings.model_copy(update={"var_dir": tmp_path / "file"})
    async with start(elsewhere, "--workers=2", wait=False) as served:
        assert await served.process.wait() == 1
    assert "VAR_DIR" in capfd.readouterr().err
