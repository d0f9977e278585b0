"""The labelled sample: how often "read" is right there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.opens import AIM_PRECISION, AIM_RECALL, FOLDS, fold_of, history_of, main, score
from plugins.plausible import networks
from plugins.plausible.classify import classify

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
