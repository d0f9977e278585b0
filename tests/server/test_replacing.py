"""Web processes are replaced while clients ask: nobody is refused, nobody is left without an answer."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from app.server.limits import Limits
from tests.server.callers import Callers
from tests.server.conftest import Plain, StartPlain, read_all, until


def _start(start: StartPlain, folder: Path, *options: str, workers: int = 1, **environment: str) -> Plain:
    plain = start(f"--var-dir={folder}", *options, workers=workers, **environment)  # type: ignore[arg-type]
    assert [plain.hear() for _ in range(workers)] == ["started"] * workers
    until(lambda: not plain._refuses())
    return plain


def _pid(plain: Plain) -> int:
    found = re.search(rb"x-pid: (\d+)", plain.get("/"))
    assert found
    return int(found[1])


@pytest.mark.parametrize("workers", [1, 2])
def test_all_are_replaced_at_sighup_and_every_request_is_answered(
    start: StartPlain, tmp_path: Path, workers: int
) -> None:
    plain = _start(start, tmp_path, workers=workers)
    with Callers(plain) as callers:
        for round_ in range(1, 4):
            callers.go_on(200)
            plain.process.send_signal(signal.SIGHUP)
            until(lambda wanted=workers * (round_ + 1): len(callers.pids) >= wanted)  # type: ignore[misc]
        callers.go_on(200)
    assert (callers.refused, callers.dropped) == (0, 0)
    until(lambda: plain.errors.count("a web process is replaced") == 3 * workers)
    plain.stop()
    assert plain.wait() == 0


def test_over_a_unix_socket_too(start: StartPlain, tmp_path: Path) -> None:
    plain = start(f"--var-dir={tmp_path}", uds=tmp_path / "web.sock")
    assert plain.hear() == "started"
    until(lambda: not plain._refuses())
    with Callers(plain) as callers:
        callers.go_on(200)
        plain.process.send_signal(signal.SIGHUP)
        until(lambda: len(callers.pids) >= 2)
        callers.go_on(200)
    assert (callers.refused, callers.dropped) == (0, 0)


def test_one_that_has_done_enough_is_replaced(start: StartPlain, tmp_path: Path) -> None:
    plain = _start(start, tmp_path, MAX_REQUESTS="300")
    with Callers(plain) as callers:
        until(lambda: len(callers.pids) >= 3)
    assert (callers.refused, callers.dropped) == (0, 0)
    assert "is to be replaced" in plain.errors


def test_two_that_have_done_enough_go_one_after_the_other(start: StartPlain, tmp_path: Path) -> None:
    # Longer than an idle process takes to end, so that two starts in a row would be two at the same time.
    plain = _start(start, tmp_path, workers=2, START_TAKES="1.5")
    plain.process.send_signal(signal.SIGHUP)
    said = [plain.hear() for _ in range(2)]
    until(lambda: plain.errors.count("a web process is replaced") == 2)
    assert said == ["started", "ending"], "the second one starts when the first one has taken its place"


def test_the_old_one_goes_on_where_the_new_one_does_not_start(start: StartPlain, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    plain = _start(start, tmp_path, "--limit=RETRY=0.2", REFUSE_TO_START_WITH=str(broken))
    old = _pid(plain)
    broken.touch()
    with Callers(plain) as callers:
        plain.process.send_signal(signal.SIGHUP)
        until(lambda: plain.errors.count("could not be replaced") >= 2)
        assert callers.pids == {old}
        broken.unlink()
        until(lambda: len(callers.pids) == 2)
    assert (callers.refused, callers.dropped) == (0, 0)


def test_what_is_under_way_is_answered_and_a_stream_let_go(start: StartPlain, tmp_path: Path) -> None:
    plain = _start(start, tmp_path)
    old = _pid(plain)
    with plain.connect() as upload, plain.connect() as idle:
        upload.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf")
        assert plain.hear() == "body began"
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        idle.recv(1000)
        plain.process.send_signal(signal.SIGHUP)
        assert plain.hear() == "started"
        until(lambda: _pid(plain) != old)
        assert idle.recv(1000) == b"", "a kept-alive connection is closed"
        upload.sendall(b"half")
        assert read_all(upload).endswith(b"\r\n\r\n8")
    assert [plain.hear(), plain.hear()] == ["body complete", "ending"]


def test_what_they_counted_stays_and_their_files_go(start: StartPlain, tmp_path: Path) -> None:
    plain = _start(start, tmp_path)
    pids: set[int] = set()
    for _ in range(3):
        plain.get("/count")
        pids.add(_pid(plain))
        plain.process.send_signal(signal.SIGHUP)
        assert [plain.hear(), plain.hear()] == ["started", "ending"]
        until(lambda: _pid(plain) not in pids)
    until(lambda: b"myportal_web_processes 1.0" in plain.get("/metrics"))
    assert b"plain_app_counted_total 3.0" in plain.get("/metrics")
    [folder] = [path for path in (tmp_path / "metrics").iterdir() if path.is_dir()]
    assert not [path for path in folder.glob("*.db") if any(str(pid) in path.name for pid in pids)]


@pytest.mark.parametrize("kind", ["port", "path"])
def test_every_client_that_has_connected_is_answered_at_the_end(start: StartPlain, tmp_path: Path, kind: str) -> None:
    for round_ in range(3):
        uds = tmp_path / f"web{round_}.sock" if kind == "path" else None
        plain = start(f"--var-dir={tmp_path}", uds=uds)
        assert plain.hear() == "started"
        until(lambda: not plain._refuses())  # noqa: B023
        with Callers(plain, threads=16) as callers:
            callers.go_on(300)
            plain.process.terminate()
            assert plain.wait() == 0
        assert callers.dropped == 0


def test_one_that_is_ended_by_hand_comes_back_on_the_same_port(start: StartPlain, tmp_path: Path) -> None:
    plain = _start(start, tmp_path)
    old = _pid(plain)
    with Callers(plain) as callers:
        callers.go_on(100)
        os.kill(old, signal.SIGTERM)
        until(lambda: len(callers.pids) == 2)
        callers.go_on(100)
    assert (callers.refused, callers.dropped) == (0, 0)


def test_limits_say_which_is_reached() -> None:
    limits = Limits(requests=1000, hours=2, memory_mb=500)
    assert limits.reached(requests=999, seconds=7199, memory=0) is None
    assert limits.reached(requests=1000, seconds=0, memory=0) == "1,000 requests"
    assert limits.reached(requests=0, seconds=7200, memory=0) == "2.0 hours"
    assert limits.reached(requests=0, seconds=0, memory=500 << 20) == "500 MB of memory"
    assert Limits().reached(requests=10**9, seconds=10**9, memory=1 << 40) is None


def test_limits_differ_from_process_to_process() -> None:
    found = {Limits(requests=10_000, hours=24).spread().requests for _ in range(20)}
    assert len(found) > 10
    assert all(9000 <= one <= 11_000 for one in found)
