"""The labelled sample: how often "read" is right there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.opens import AIM_PRECISION, AIM_RECALL, FOLDS, fold_of, history_of, main, score
from plugins.plausible import networks
from plugins.plausible.classify import classify
from tests.support.opens import CHROME

SAMPLE = Path(__file__).parents[3] / "shared" / "opens_sample.jsonl"
needs_sample = pytest.mark.skipif(not SAMPLE.exists(), reason="the sample is not beside the checkout")

SEQUENCE = {
    "id": "s1",
    "sent_at": "2026-08-07T12:00:00.000Z",
    "delivered_at": None,
    "links_in_mail": 2,
    "context": {"honeypot_link": 2, "agent_ips": ["203.0.113.9"], "reply_t": 60.0, "reply_auto": True},
    "requests": [
        {
            "t": 70.5,
            "kind": "open",
            "link": None,
            "method": "GET",
            "ip": "203.0.113.9",
            "user_agent": None,
            "headers": {},
        },
        {"t": 3600, "kind": "click", "link": 2, "ip": "192.0.2.1", "user_agent": "", "headers": {"Accept": "*/*"}},
    ],
}


def test_the_command_prints_one_line_for_each_sequence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sequences.jsonl"
    file.write_text(json.dumps(SEQUENCE) + "\n\n" + json.dumps(SEQUENCE | {"id": "s2", "requests": []}) + "\n")

    assert main([str(file)]) == 0

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"id": "s1", "classes": ["self", "bot"], "mail_read": None},
        {"id": "s2", "classes": [], "mail_read": None},
    ]


EXPORTED: dict[str, Any] = {
    "id": "c1",
    "sent_at": "2026-08-07T12:00:00.000Z",
    "delivered_at": "2026-08-07T12:00:02.000Z",
    "links_in_mail": 1,
    "requests": [
        {
            "t": 3600,
            "kind": "click",
            "link": 0,
            "networks": ["gateway"],
            "client": "198.51.100.0",
            "user_agent": CHROME,
            "headers": {"Accept": "text/html", "Accept-Language": "de"},
        }
    ],
    "truth": {"mail_read": True},
}


def test_a_row_of_the_export_names_networks_and_nothing_but_whether_it_was_read() -> None:
    history = history_of(EXPORTED, networks.Networks(()))

    assert history.requests[0].networks == {"gateway"}
    assert history.requests[0].client == "198.51.100.0"
    assert classify(history).requests[0].rule == "gateway"


def test_the_figures_of_a_labelled_file_are_precision_recall_folds_and_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.opens.SIZES", (1, 10))
    file = tmp_path / "corrections.jsonl"
    file.write_text("".join(json.dumps({**EXPORTED, "id": f"c{n}"}) + "\n" for n in range(9)))

    assert main([str(file), "--figures"]) == 1  # "gateway" is not Read, so nothing is recalled

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["all", "9", "nan", "0.000"]
    assert sum(int(line.split()[2]) for line in lines if line.startswith("fold ")) == 9
    assert [line.split()[0] for line in lines if line[:8].strip().isdigit()] == (["1", "10", "10", "100000"])


@needs_sample
def test_the_sample_reaches_the_aims_and_every_fold_nearly() -> None:
    known = networks.load()
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    verdicts = {row["id"]: classify(history_of(row, known)) for row in rows}

    total = score(rows, verdicts)
    folds = [score([r for r in rows if fold_of(r["truth"]["family"]) == n], verdicts) for n in range(FOLDS)]

    assert total.precision >= AIM_PRECISION
    assert total.recall >= AIM_RECALL
    assert min(fold.precision for fold in folds) >= 0.9
    assert min(fold.recall for fold in folds) >= 0.9


@needs_sample
def test_the_sample_is_judged_without_its_networks_nearly_as_well() -> None:
    """An operator without any list of networks loses little: what programs say and do carries the verdict."""
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    empty = networks.Networks(())

    total = score(rows, {row["id"]: classify(history_of(row, empty)) for row in rows})

    assert total.precision >= 0.9
    assert total.recall >= AIM_RECALL
