"""Reports at /reports, and as files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from quart import Blueprint, Response, render_template, request
from quart.typing import ResponseReturnValue

from app.database import utcnow
from app.reports import exporting, service
from app.reports.asking import (
    BY_ITEM,
    BY_TIME,
    GROUPINGS,
    PERIODS,
    ReportQuery,
    ReportRefused,
    parse,
)
from app.reports.models import Figures
from app.reports.rates import percent
from app.reports.service import MOST_EXPORTED, Report
from app.web.errors import error_response
from app.web.formats import zone
from app.web.plots import Plot, bars

reports = Blueprint("reports", __name__)
MOST_BARS = 12
"""Of a report that is not by time."""
LABELS = {
    "by": "Line for each",
    "period": "Period",
    "from": "From",
    "to": "To",
    "agent": "Agent",
    "mailbox": "Mailbox",
    "tag": "Tag",
}


def _asked() -> ReportQuery:
    return parse(request.args, today=utcnow().astimezone(zone()).date())


@reports.get("/reports")
async def index() -> ResponseReturnValue:
    """One report."""
    errors: dict[str, str] = {}
    try:
        query = _asked()
    except ReportRefused as error:
        errors = error.fields
        query = parse({}, today=utcnow().astimezone(zone()).date())
    found = await service.report(query)
    return await render_template(
        "reports/index.html",
        report=found,
        errors=errors,
        labels=LABELS,
        given={name: request.args.get(name, "") for name in LABELS} if errors else _given(query),
        cards=_cards(found),
        plots=_plots(found),
        percent=percent,
        by_item=query.by in BY_ITEM,
        by_time=query.by in BY_TIME,
        grouping=GROUPINGS[query.by],
        groupings=[
            {
                "label": word,
                "href": f"/reports?{urlencode(query.arguments(by=key))}",
                "active": key == query.by,
                "count": None,
            }
            for key, word in GROUPINGS.items()
        ],
        periods=[
            {"label": word, "href": f"/reports?{urlencode(query.arguments(period=key))}", "active": key == query.period}
            for key, word in PERIODS.items()
        ],
        period=PERIODS.get(query.period, "Other days"),
        chips=_chips(query, found),
        arguments=urlencode(query.arguments()),
        zone_name=zone().key.replace("_", " "),
    ), 400 if errors else 200


@reports.get("/reports.<any(csv, json):kind>")
async def export(kind: str) -> ResponseReturnValue:
    """The same as a file."""
    try:
        query = _asked()
    except ReportRefused as error:
        return await error_response(400, str(error))
    found = await service.report(query, most=MOST_EXPORTED)
    pieces = exporting.csv_file(found) if kind == "csv" else exporting.json_file(found)
    content_type = "text/csv; charset=utf-8" if kind == "csv" else "application/json"
    name = f"report-by-{query.by}-{query.filter.first}-{query.filter.last}.{kind}"
    response = Response(pieces, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    # A long one takes longer than an answer usually may.
    response.timeout = None
    return response


def _given(query: ReportQuery) -> dict[str, str]:
    found = query.arguments()
    return {name: found.get(name, "") for name in LABELS} | {
        "from": str(query.filter.first),
        "to": str(query.filter.last),
    }


def _chips(query: ReportQuery, found: Report) -> list[dict[str, str]]:
    chosen: list[tuple[str, int | None, Mapping[int, str]]] = [
        ("agent", query.filter.agent_id, {0: service.NOBODY, **found.choices.agents}),
        ("mailbox", query.filter.department_id, {0: service.NO_MAILBOX, **found.choices.mailboxes}),
        ("tag", query.filter.tag_id, found.choices.tags),
    ]
    return [
        {
            "label": f"{LABELS[name]}: {names.get(number, f'number {number}')}",
            "href": f"/reports?{urlencode(query.arguments(**{name: ''}))}",
        }
        for name, number, names in chosen
        if number is not None
    ]


def _cards(found: Report) -> list[dict[str, Any]]:
    """Figures with their share, and what both were in the period before."""
    base = "delivered" if found.base == "delivered" else "sent"
    shapes: list[tuple[str, str, str, str]] = [
        ("Recipients", "recipients", "", ""),
        ("Sent", "sent", "", ""),
        ("Delivered", "delivered", "delivery", "of sent"),
        ("Bounced", "bounced", "bounce", "of sent"),
        ("Unique opens", "opened", "open", f"of {base}"),
        ("Unique clicks", "clicked", "click", f"of {base}"),
        ("Answered", "replied", "", ""),
        ("Read or answered", "readers", "read", "of tracked"),
    ]
    return [
        {
            "label": label,
            "value": getattr(found.total, measure),
            "rate": percent(getattr(found.rates, rate)) if rate else "",
            "of": of,
            "before": getattr(found.before, measure),
            "rate_before": percent(getattr(found.rates_before, rate)) if rate else "",
        }
        for label, measure, rate, of in shapes
    ]


def _plots(found: Report) -> list[Plot]:
    lines = list(found.lines)
    if not any(line.figures != Figures() for line in lines):
        return []
    if found.query.by in BY_TIME:
        labels = [line.short for line in lines]
        lying = False
    else:
        lines = lines[:MOST_BARS]
        labels, lying = [line.name for line in lines], True
    if found.query.by in BY_ITEM:
        measure, title = ("clicks", "Clicks by people") if found.query.by == "link" else ("opens", "Opens by people")
        values = [getattr(line.figures, measure) for line in lines]
        return [bars(title, labels, values, [f"{value:,}" for value in values], unit="", lying=True)]
    sent = [line.figures.sent for line in lines]
    shares = [line.rates.open for line in lines]
    return [
        bars("Sent", labels, sent, [f"{value:,}" for value in sent], unit="mails", lying=lying),
        bars(
            "Open rate",
            labels,
            [100 * (share or 0) for share in shares],
            [percent(share) for share in shares],
            unit=f"unique opens of {found.base} mails",
            lying=lying,
        ),
    ]
