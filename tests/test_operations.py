"""What stands in docs/operations fits the code: metrics, alarms, and the proxies' configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

import app.web.mail_watch  # noqa: F401 (its figures)
from app.web.metrics import WEB_PROCESSES
from plugins.plausible.recording.metrics import REQUESTS

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs/operations.md").read_text()
DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs/operations/grafana.json").read_text())
ALERTS: dict[str, Any] = yaml.safe_load((ROOT / "docs/operations/alerts.yml").read_text())
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [str(rule["expr"]) for rule in RULES] + [
    str(target["expr"]) for panel in PANELS for target in panel["targets"]
]
OF_PROMETHEUS = {"up", "probe_success"}
SCRAPED = {"job", "instance"}
"""Labels that Prometheus adds."""
SELECTOR = re.compile(r"\b(myportal_\w+|up|probe_success)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
CODE = "".join(
    path.read_text() for folder in ("recording", "sync") for path in (ROOT / "plugins/plausible" / folder).glob("*.py")
)


def ours() -> Iterator[MetricWrapperBase]:
    """Each metric of the code once."""
    known = {id(found): found for found in REGISTRY._collector_to_names if isinstance(found, MetricWrapperBase)}
    return (found for found in known.values() if found._name.startswith("myportal_"))


def series() -> dict[str, set[str]]:
    """The series that Prometheus gets of our metrics, with their labels."""
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    return {
        metric._name + suffix: {*metric._labelnames, *SCRAPED} | ({"le"} if suffix == "_bucket" else set())
        for metric in ours()
        for suffix in suffixes[str(metric._type)]
    }


SERIES = series()


def table_rows() -> dict[str, tuple[str, str]]:
    """The guide's table of metrics: labels and words by name."""
    rows = re.findall(r"^\| `(myportal_\w+)` \| (.*?) ?\| (.+) \|$", GUIDE, re.MULTILINE)
    return {name: (labels, words) for name, labels, words in rows}


def test_there_are_metrics_to_speak_of() -> None:
    assert {WEB_PROCESSES._name, REQUESTS._name} < {metric._name for metric in ours()}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_names_series_and_labels_that_there_are(expression: str) -> None:
    found = SELECTOR.findall(expression)
    assert found
    for name, matchers in found:
        labels = SCRAPED if name in OF_PROMETHEUS else SERIES[name]
        for label, value in MATCHER.findall(matchers):
            assert label in labels
            if label not in SCRAPED:
                for one in value.split("|"):
                    assert f'"{one}"' in CODE or one in {"open", "click"}
    available = set().union(*(SCRAPED if name in OF_PROMETHEUS else SERIES[name] for name, _ in found))
    for grouped in re.findall(r"\b(?:by|without|on|ignoring) \(([^)]*)\)", expression):
        assert {label.strip() for label in grouped.split(",")} <= available


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_is_balanced_and_asks_counters_for_their_growth(expression: str) -> None:
    assert expression.count("(") == expression.count(")")
    for name, _ in SELECTOR.findall(expression):
        if name.endswith(("_total", "_bucket", "_sum", "_count")):
            assert re.search(rf"(?:rate|increase)\({name}\b", expression)


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for panel in PANELS for target in panel["targets"] for name, _ in SELECTOR.findall(target["expr"])}
    assert [metric._name for metric in ours() if not any(name.startswith(metric._name) for name in shown)] == []


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    assert DASHBOARD["id"] is None
    assert DASHBOARD["schemaVersion"] >= 38
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in PANELS:
        assert panel["type"] in {"stat", "timeseries"}
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all('instance=~"$instance"' in target["expr"] for target in panel["targets"])


def test_no_panel_covers_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alarm_says_what_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert re.search(rf"^### {rule['alert']}$\n\n\S", GUIDE, re.MULTILINE)
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
    assert rule["labels"]["severity"] in {"warning", "critical"}


def test_the_guide_knows_no_alarm_that_there_is_not() -> None:
    chapter = GUIDE.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (\w+)$", chapter, re.MULTILINE) != []
    assert set(re.findall(r"^### (\w+)$", chapter, re.MULTILINE)) == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("metric", list(ours()), ids=lambda metric: str(metric._name))
def test_the_guide_explains_each_metric_with_its_labels(metric: MetricWrapperBase) -> None:
    labels, words = table_rows()[metric._name + ("_total" if metric._type == "counter" else "")]
    assert re.findall(r"`(\w+)`", labels) == list(metric._labelnames)
    assert words


def test_the_guide_explains_no_metric_that_there_is_not() -> None:
    names = {metric._name + ("_total" if metric._type == "counter" else "") for metric in ours()}
    assert set(table_rows()) == names


@pytest.mark.parametrize(
    "outcome", ["committed", "spooled", "folded", "unknown", "off", "quarantined", "waiting", "lost"]
)
def test_the_guide_explains_each_outcome(outcome: str) -> None:
    assert f'"{outcome}"' in CODE
    assert f"| `{outcome}` | " in GUIDE


def test_the_guides_own_links_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", words).strip().lower().replace(" ", "-")
        for words in re.findall(r"^#+ (.+)$", GUIDE, re.MULTILINE)
    }
    pages = [ROOT / "docs/install.md", ROOT / "docs/plausible.md", ROOT / "docs/operations/alerts.yml"]
    anchors = re.findall(r"\]\(#([\w-]+)\)", GUIDE)
    anchors += [one for page in pages for one in re.findall(r"operations\.md#([\w-]+)", page.read_text())]
    assert len(anchors) > 10
    assert [one for one in anchors if one not in headings] == []
