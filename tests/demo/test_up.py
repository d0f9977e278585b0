"""`myportal up --demo` as a newcomer meets it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.localdb import LocalDatabase
from tests.support.demo import ROOT, Demo, free_ports, running_demo, start_demo


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the tests of this file share: a second start finds the data of the first."""
    return tmp_path_factory.mktemp("demo") / "var"


def _children(pid: int) -> set[int]:
    """Processes whose command line names our port, or whose parent is ours."""
    found = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in found.splitlines()[1:]]
    ours = {pid}
    for _ in range(4):
        ours |= {child for child, parent in pairs if parent in ours}
    return ours


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text()


def _log_in(client: httpx.Client, demo: Demo) -> None:
    page = client.get(f"{demo.url}/login").text
    token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page)
    assert token
    form = {"email": "ada@acme.example", "password": "welcome-ada", "csrf_token": token[1]}
    assert client.post(f"{demo.url}/login", data=form).status_code == 303


@pytest.mark.timeout(240)
def test_it_starts_works_ends_cleanly_and_starts_again_with_its_data(var: Path) -> None:
    demo = start_demo(var)
    processes = _children(demo.process.pid)
    with httpx.Client(timeout=10) as client:
        text = "\n".join(demo.lines)
        assert demo.url in text
        assert demo.mailbox in text
        assert "ada@acme.example" in text
        _log_in(client, demo)
        assert "Integration Modules" in client.get(f"{demo.url}/admin/modules").text
        assert client.get(f"{demo.url}/readyz").json()["ready"] is True
    assert demo.stop() == 0
    assert not [pid for pid in processes if _alive(pid)], "nothing is left running"

    with running_demo(var) as again, httpx.Client(timeout=10) as client:
        _log_in(client, again)
        assert "VAT rate" in client.get(f"{again.url}/tickets?view=all&q=VAT").text
        _a_second_start_is_refused_and_harms_nothing(var)
        _a_plain_script_beside_it_sends_tracked_mail(var, again)


def _beside(var: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program that knows nothing of the running portal but its folder."""
    environment = {"PATH": "/usr/bin:/bin", "VAR_DIR": str(var), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def _a_second_start_is_refused_and_harms_nothing(var: Path) -> None:
    ports = free_ports(3)
    options = [f"--port={ports[0]}", f"--smtp-port={ports[1]}", f"--mailbox-port={ports[2]}"]
    refused = _beside(var, "-m", "app", "up", "--demo", *options)
    assert refused.returncode == 1
    assert "already runs" in refused.stderr


SCRIPT = """
import asyncio
from app.services.email import send_email
from app.services import tickets

async def main():
    return await send_email(
        subject="Ticket Update", recipients=["script@customer.example"],
        html_body='<p>See <a href="https://example.org/a?b=1">this</a>.</p>',
        enable_tracking=True, ticket_reply_id=2,
    )

sent, metadata = asyncio.run(main())
print(sent, metadata["tracked"], metadata["reason"])
"""


def _a_plain_script_beside_it_sends_tracked_mail(var: Path, demo: Demo) -> None:
    done = _beside(var, "-c", SCRIPT)
    assert done.stdout.strip() == "True True None", done.stderr
    mails = httpx.get(demo.mailbox).text
    assert "script@customer.example" in mails


@pytest.mark.timeout(120)
def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "app", "up", "--demo", f"--port={port}"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "VAR_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert "--port" in done.stderr
    assert not (tmp_path / "mariadb").exists(), "it looked before it started anything"


@pytest.mark.timeout(120)
def test_the_demo_refuses_to_leave_loopback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "up", "--demo", "--host=0.0.0.0"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "loopback" in done.stderr


@pytest.mark.timeout(240)
def test_nothing_is_left_running_when_it_is_killed(tmp_path: Path) -> None:
    demo = start_demo(tmp_path / "var", ports=free_ports(3))
    processes = _children(demo.process.pid)
    assert len(processes) >= 5, "the command, its database, web process, worker and mailbox"
    demo.process.send_signal(signal.SIGKILL)
    demo.process.wait()
    for _ in range(200):
        if not any(_alive(pid) for pid in processes):
            break
        import time

        time.sleep(0.1)
    assert not [pid for pid in processes if _alive(pid)]


def test_a_broken_database_folder_says_what_the_server_said(tmp_path: Path) -> None:
    database = LocalDatabase(tmp_path / "db", fast=True)
    database.start()
    database.stop()
    (tmp_path / "db" / "data" / "ibdata1").write_bytes(b"not a tablespace")
    with pytest.raises(Exception, match="did not start"):
        database.start()
