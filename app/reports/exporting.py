"""A report as a CSV or JSON file, in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from app.reports.asking import BY_ITEM, BY_TIME, GROUPINGS
from app.reports.models import ITEM_MEASURES, MEASURES
from app.reports.service import Line, Report
from app.spreadsheets import MARK, lines

COLUMNS = {
    "recipients": "Recipients",
    "sent": "Sent",
    "failed": "Failed",
    "delivered": "Delivered",
    "bounced": "Bounced",
    "complained": "Marked as spam",
    "tracked": "Tracked",
    "opened": "Unique opens",
    "machine_only": "Opened by machines only",
    "replied": "Answered",
    "readers": "Read or answered",
    "reported": "Reported as delivered, also bounced later",
    "clicked": "Unique clicks",
    "opens": "Opens by people",
    "machine_opens": "Opens by machines",
    "clicks": "Clicks by people",
    "machine_clicks": "Clicks by machines",
    "unknown_opens": "Opens, nobody says by whom",
    "unknown_clicks": "Clicks, nobody says by whom",
}
RATES = {
    "delivery": "Delivery rate",
    "open": "Open rate",
    "click": "Click rate",
    "bounce": "Bounce rate",
    "read": "Read rate",
}
PIECE = 500


def measures_of(by: str) -> tuple[str, ...]:
    """What a report by this has figures of."""
    return ITEM_MEASURES if by in BY_ITEM else MEASURES


def csv_file(report: Report) -> Iterator[bytes]:
    """A line for each line of the report; rates in percent."""
    by = report.query.by
    measures = measures_of(by)
    shown = () if by in BY_ITEM else tuple(RATES)
    heads = [GROUPINGS[by], *(COLUMNS[name] for name in measures), *(f"{RATES[name]} (%)" for name in shown)]
    if shown:
        heads.append("Open and click rate are of")
    yield MARK + lines([heads])
    for start in range(0, len(report.lines), PIECE):
        yield lines(
            _cells(line, measures, shown, report.base, is_time=by in BY_TIME)
            for line in report.lines[start : start + PIECE]
        )


def _cells(line: Line, measures: tuple[str, ...], shown: tuple[str, ...], base: str, *, is_time: bool) -> list[object]:
    shares = [getattr(line.rates, name) for name in shown]
    return [
        line.key if is_time else line.name,
        *(getattr(line.figures, name) for name in measures),
        *("" if share is None else round(100 * share, 2) for share in shares),
        *([base] if shown else []),
    ]


def json_file(report: Report) -> Iterator[bytes]:
    """The same as one JSON object; rates between 0 and 1, null of nothing."""
    query = report.query
    head = {
        "by": query.by,
        "from": str(query.filter.first),
        "to": str(query.filter.last),
        "days_are": "UTC",
        "open_and_click_rates_are_of": report.base,
        "total": figures_of(report.total, MEASURES),
        "rates": asdict(report.rates),
        "period_before": {"total": figures_of(report.before, MEASURES), "rates": asdict(report.rates_before)},
    }
    yield json.dumps(head)[:-1].encode() + b', "lines": ['
    for number, line in enumerate(report.lines):
        yield (b",\n" if number else b"\n") + json.dumps(line_of(report, line), ensure_ascii=False).encode()
    yield b"\n]}\n"


def line_of(report: Report, line: Line) -> dict[str, object]:
    """One line as JSON has it."""
    found: dict[str, object] = {"key": line.key, "name": line.name}
    found |= figures_of(line.figures, measures_of(report.query.by))
    if report.query.by not in BY_ITEM:
        found["rates"] = asdict(line.rates)
    return found


def figures_of(figures: object, measures: tuple[str, ...]) -> dict[str, int]:
    """Figures by their names."""
    return {name: getattr(figures, name) for name in measures}
