"""The benchmark of opens and clicks: both sides of its count, and times that count from when a request was due."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench import serve
from bench.serving.aims import Results, verdicts
from bench.serving.calm import until_calm
from bench.serving.loader import Answers, Loader
from bench.serving.machine import Busy, Cores
from bench.serving.pacer import Load
from bench.serving.report import print_report
from bench.serving.sample import Runs, Sample
from bench.serving.stage import Plan

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REFUSAL = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"


def _runs(answered: int, stored: int | None, *, seconds: float = 2, uncounted: int = 0) -> Runs:
    answers = Answers(seconds, answered, refused=0, broken=0, p50=0.001, p99=0.002, p999=0.003, worst=0.004)
    return Runs([Sample(answers, stored)], uncounted)


@contextmanager
def _server(answers: list[tuple[float, bytes]]) -> Iterator[int]:
    """Answers one connection's requests in turn, each after so many seconds, hangs up at an empty answer; its port."""

    def talk() -> None:
        with listener.accept()[0] as connection:
            for pause, answer in answers:
                if not connection.recv(65536) or not answer:
                    return
                time.sleep(pause)
                connection.sendall(answer)
            connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_the_server_stores_what_the_loader_says_was_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan(seconds=1, rounds=1, connections=8, copies=200, wrk=False, tries=1, patience=0)
    results = serve.run(plan, {"ours"}, tmp_path)
    print_report(results)

    table = capsys.readouterr().out.splitlines()
    assert set(results.comparison) == {("ours", "open"), ("ours", "click")}
    for (_, kind), runs in results.comparison.items():
        [sample] = runs.samples
        assert runs.failed == 0
        assert runs.answered == runs.stored == pytest.approx(sample.answers.rate * sample.answers.seconds)
        assert runs.answered > 0
        [line] = [line for line in table if line.startswith("ours (myportal serve)") and f" {kind} " in line]
        assert f"{runs.answered:,}" in line
        assert f"{runs.rate:,.0f}" in line
        assert "+0" in line
    assert [verdict.ok for verdict in verdicts(results)] == [True]
    assert not list(tmp_path.iterdir())


def test_a_request_that_waits_behind_a_stall_counts_from_when_it_was_due() -> None:
    with _server([(1.0, ANSWER), *[(0.0, ANSWER)] * 9]) as port:
        load = Load(port, [b"GET / HTTP/1.1\r\n\r\n"], connections=1, rate=21)
        load.run(0.5)

    assert load.tally.statuses == {200: 10}
    assert min(load.tally.times) > 0.5


def test_the_loader_in_c_counts_in_the_same_way(tmp_path: Path) -> None:
    loader = Loader.choose(tmp_path, connections=1)
    if loader.native is None:
        pytest.skip("there is no C compiler")
    (tmp_path / "requests").write_text("/\t192.0.2.1\tBrowser/1.0\n")
    with _server([(1.0, ANSWER), *[(0.0, ANSWER)] * 8, (0.0, REFUSAL)]) as port:
        found = loader.paced(port, tmp_path / "requests", 0.5, Cores.pick(), rate=21)
    assert (found.answered, found.refused, found.broken) == (9, 1, 0)
    assert 0.5 < found.p50 < found.worst < 1.6


def test_refusals_are_not_answers_and_a_connection_that_breaks_is_counted() -> None:
    with _server([(0.0, ANSWER), (0.0, REFUSAL), (0.0, b"")]) as port:
        load = Load(port, [b"GET / HTTP/1.1\r\n\r\n"], connections=1, rate=35)
        load.run(0.1)

    assert (load.tally.answered, load.tally.refused, load.tally.broken) == (1, 1, 1)


@pytest.mark.parametrize(
    ("answered", "stored", "uncounted", "right"),
    [(100, 100, 0, True), (100, 99, 0, False), (100, 101, 0, False), (100, 164, 64, True), (100, 165, 64, False)],
)
def test_an_event_too_few_or_too_many_is_wrong(answered: int, stored: int, uncounted: int, right: bool) -> None:
    runs = _runs(answered, stored, uncounted=uncounted)
    [verdict] = verdicts(Results(comparison={("ours", "open"): runs}))
    assert (runs.adds_up, verdict.ok) == (right, right)


def test_a_loss_in_one_round_is_not_hidden_by_another() -> None:
    runs = Runs([*_runs(100, 99).samples, *_runs(100, 101).samples, *_runs(100, 100).samples])
    assert runs.answered == runs.stored
    assert not runs.adds_up


def test_a_run_that_strangers_disturbed_is_done_again_and_counts_for_both_sides_only() -> None:
    fast, slow = _runs(1000, 1000).samples[0], _runs(10, 9).samples[0]
    left = [replace(slow, busy=Busy(1, 1, others=0.5)), replace(fast, busy=Busy(1, 1, others=0.01)), slow]

    runs = Runs(until_calm(lambda: left.pop(0), Cores.pick(), tries=5, patience=0))

    assert len(runs.samples) == 2
    assert (runs.rate, runs.answered, runs.adds_up) == (500, 1010, False)


def test_where_every_run_is_disturbed_the_calmest_counts_and_it_ends() -> None:
    shares = [0.5, 0.2, 0.9]
    left = [replace(_runs(int(share * 100), None).samples[0], busy=Busy(1, 1, share)) for share in shares]

    runs = Runs(until_calm(lambda: left.pop(0), Cores.pick(), tries=3, patience=0))

    assert (runs.rate, runs.answered) == (10, 160)


def test_we_are_held_against_the_faster_of_the_usual_ways() -> None:
    comparison = {
        ("ours", "open"): _runs(1000, 1000),
        ("quart", "open"): _runs(180, 180),
        ("fastapi", "open"): _runs(220, 220),
        ("nginx", "open"): _runs(5000, None),
    }
    found = {verdict.what: (verdict.found, verdict.ok) for verdict in verdicts(Results(comparison=comparison))}
    assert found["opens: times the faster usual way"] == ("4.55", False)
    assert found["opens: share of nginx"] == ("0.200", True)
