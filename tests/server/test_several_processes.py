"""Several web processes over one port."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.server.conftest import Plain, StartPlain, until


@pytest.fixture
def two(start: StartPlain, tmp_path: Path) -> Plain:
    """A supervisor and two web processes, both started."""
    plain = start(f"--var-dir={tmp_path}", workers=2)
    assert [plain.hear(), plain.hear()] == ["started", "started"]
    until(lambda: not plain._refuses())
    return plain


def _pid(plain: Plain, path: str) -> int:
    found = re.search(rb"x-pid: (\d+)", plain.get(path))
    assert found
    return int(found[1])


def _pids(plain: Plain) -> set[int]:
    """Both processes, once both have answered."""
    seen: set[int] = set()

    def both() -> bool:
        seen.add(_pid(plain, "/"))
        return len(seen) == 2

    until(both)
    return seen


def _alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_any_process_tells_the_metrics_of_all(two: Plain) -> None:
    seen: set[int] = set()
    asked = 0
    while len(seen) < 2:
        seen.add(_pid(two, "/count"))
        asked += 1
    assert f"plain_app_counted_total {asked}.0".encode() in two.get("/metrics")


def test_a_process_that_is_killed_is_started_again_and_what_it_counted_stays(two: Plain) -> None:
    victim = _pid(two, "/count")
    before = _pids(two)
    os.kill(victim, signal.SIGKILL)
    assert two.hear() == "started"
    after = _pids(two)
    assert len(before & after) == 1
    assert victim not in after
    metrics = two.get("/metrics")
    assert b"plain_app_counted_total 1.0" in metrics
    assert b"myportal_web_processes 2.0" in metrics
    assert "started again" in two.errors


def test_no_connection_is_refused_while_the_only_processes_are_started_again(two: Plain) -> None:
    for pid in _pids(two):
        os.kill(pid, signal.SIGKILL)
    assert two.get("/").startswith(b"HTTP/1.1 200")


def test_all_end_together_each_after_its_answers(two: Plain, tmp_path: Path) -> None:
    pids = _pids(two)
    with two.connect() as sock:
        sock.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf")
        assert two.hear() == "body began"
        two.stop()
        sock.sendall(b"half")
        assert b"200 OK" in sock.recv(1000)
    assert two.wait() == 0
    assert not any(map(_alive, pids))
    assert sorted(two.rest) == ["body complete", "ending", "ending"]
    assert [path.name for path in (tmp_path / "metrics").iterdir()] == ["lock"]


def test_none_outlives_a_supervisor_that_is_killed_and_its_folder_goes_with_the_next_start(
    two: Plain, start: StartPlain, tmp_path: Path
) -> None:
    pids = _pids(two)
    two.process.kill()
    until(lambda: not any(map(_alive, pids)))
    assert two.wait() == -signal.SIGKILL
    assert sorted(two.rest) == ["ending", "ending"]
    [left] = [path for path in (tmp_path / "metrics").iterdir() if path.is_dir()]
    again = start(f"--var-dir={tmp_path}", workers=2)
    assert again.hear() == "started"
    assert not left.exists()


def test_processes_that_cannot_start_end_the_supervisor(start: StartPlain, tmp_path: Path) -> None:
    plain = start(f"--var-dir={tmp_path}", workers=2, REFUSE_TO_START="1")
    assert plain.wait() == 1
    assert "no, says the application" in plain.errors
    assert "started again" not in plain.errors
