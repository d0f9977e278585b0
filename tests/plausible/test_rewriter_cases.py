"""The shared table of edge cases: links, pixel and untouched bytes of each."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugins.plausible.rewriter import Destination, rewrite

CASES = json.loads((Path(__file__).parent / "data" / "rewrite_cases.json").read_text("utf-8"))
PORTAL = "https://portal.example.com"
PIXEL = f"{PORTAL}/api/email-tracking/pixel/abc.gif"


@dataclass
class Outcome:
    links: list[str]
    pixel_before: str | None
    undone: str


def rewrite_and_undo(html: str) -> Outcome:
    """Rewrite, then undo by hand: cut the pixel out, put each written value back in order."""
    given: list[str] = []

    def link(url: str) -> str:
        given.append(url)
        return f"https://click.test/{len(given)}/"

    done = rewrite(html, link=link, pixel_url=PIXEL, own_urls=[PORTAL])
    undone, pixel_before = done.html, None
    start = undone.find(f'<img src="{PIXEL}"')
    if start >= 0:
        end = undone.index(">", start) + 1
        pixel_before = undone[end:] or "end"
        undone = undone[:start] + undone[end:]
    for number, destination in enumerate(done.links, 1):
        assert isinstance(destination, Destination)
        tracked = f"https://click.test/{number}/"
        assert undone.count(tracked) == 1
        undone = undone.replace(tracked, destination.written)
    return Outcome(done.links, pixel_before, undone)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_case_of_the_shared_table_comes_out_as_the_table_says(case: dict[str, object]) -> None:
    html, expected = case["html"], case["expect"]
    assert isinstance(html, str)
    assert isinstance(expected, dict)

    outcome = rewrite_and_undo(html)

    assert outcome.links == expected["links_tracked"]
    if expected["pixel_before"] is None:
        assert outcome.pixel_before is None
    else:
        assert outcome.pixel_before is not None
        assert outcome.pixel_before.startswith(expected["pixel_before"])
    if case["name"] == "opt-out-attribute":
        html = html.replace(" data-no-track", "")
    assert outcome.undone == html
