"""Nothing in a mail can make the scan slow: its work is counted, in characters crossed.

Times are measured by ``python -m bench.rewrite --hostile``.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from bench import hostile
from plugins.plausible.rewriter import grammar, restore, rewrite
from plugins.plausible.rewriter.scanner import Scan

PIXEL_URL = "https://portal.example.com/pixel.gif"


def backtracking_loops(node: object) -> Iterator[object]:
    """Every unbounded loop in a parsed pattern that may give back what it has taken."""
    if isinstance(node, re._parser.SubPattern | list | tuple):  # type: ignore[attr-defined]
        for child in node:
            yield from backtracking_loops(child)
        if isinstance(node, tuple) and node and str(node[0]) in ("MAX_REPEAT", "MIN_REPEAT"):
            _, (_, most, _) = node
            if most is re._constants.MAXREPEAT:  # type: ignore[attr-defined]
                yield node


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize("every_tag", [False, True])
def test_every_loop_of_the_scanner_is_possessive(images: bool, every_tag: bool) -> None:
    pattern = grammar.scanner(images=images, every_tag=every_tag).pattern

    assert "*+" in pattern
    assert list(backtracking_loops(re._parser.parse(pattern))) == []  # type: ignore[attr-defined]


def test_the_check_above_sees_a_loop_that_gives_back() -> None:
    assert len(list(backtracking_loops(re._parser.parse(r"<a(?:\s+[^>]*?)*+>")))) == 2  # type: ignore[attr-defined]


class Counter:
    """Adds up the characters that searches and matches cross."""

    def __init__(self) -> None:
        self.crossed = 0

    def pattern(self, pattern: re.Pattern[str]) -> "CountingPattern":
        return CountingPattern(pattern, self)


class CountingPattern:
    def __init__(self, pattern: re.Pattern[str], counter: Counter) -> None:
        self._pattern = pattern
        self._counter = counter

    def match(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        found = self._pattern.match(text, start, end)
        self._counter.crossed += 1 + (found.end() - start if found else 0)
        return found

    def search(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        found = self._pattern.search(text, start, end)
        self._counter.crossed += (found.end() if found else min(len(text), end)) - start
        return found


class CountingText(str):
    __slots__ = ("counter",)

    counter: Counter

    def find(self, sought: str, start: Any = 0, end: Any = sys.maxsize) -> int:
        at = super().find(sought, start, end)
        self.counter.crossed += (at if at >= 0 else min(len(self), end)) - start
        return at


@pytest.mark.parametrize("pattern", hostile.PATTERNS)
@pytest.mark.parametrize("images", [False, True])
def test_the_scan_crosses_no_part_of_a_hostile_mail_again_and_again(
    pattern: str, images: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter()
    scanner = grammar.scanner
    for name, value in vars(grammar).copy().items():
        if isinstance(value, re.Pattern):
            monkeypatch.setattr(grammar, name, counter.pattern(value))
        elif isinstance(value, dict) and all(isinstance(v, re.Pattern) for v in value.values()):
            monkeypatch.setattr(grammar, name, {k: counter.pattern(v) for k, v in value.items()})
    monkeypatch.setattr(grammar, "scanner", lambda **options: counter.pattern(scanner(**options)))
    html = CountingText(hostile.PATTERNS[pattern](30_000))
    html.counter = counter

    for _ in Scan(html, images=images):
        pass

    assert 0 < counter.crossed <= 4 * len(html)


@pytest.mark.parametrize("pattern", hostile.PATTERNS)
def test_a_hostile_mail_comes_through_and_back(pattern: str) -> None:
    html = hostile.PATTERNS[pattern](100_000)
    made: dict[str, str] = {}

    def link(url: str) -> str:
        made[f"https://click.test/{len(made)}/"] = url
        return f"https://click.test/{len(made) - 1}/"

    done = rewrite(html, link=link, pixel_url=PIXEL_URL)
    back = restore(done.html, destination=made.get, is_pixel=PIXEL_URL.__eq__)

    # Opt-outs are taken out for good; what else stands in their tags stays.
    opted_out = "data-no-track" in html
    assert PIXEL_URL in done.html
    assert words(back, opted_out=opted_out) == words(html, opted_out=opted_out)


def words(html: str, *, opted_out: bool) -> str:
    return html.replace("data-no-track", "").replace(" ", "") if opted_out else html
