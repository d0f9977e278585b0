"""The dashboard at /dashboard."""

from __future__ import annotations

from collections.abc import Sequence

from quart import Blueprint, render_template, request
from quart.typing import ResponseReturnValue

from app.dashboard import rules, service
from app.dashboard.rules import Day, Times
from app.web.charts import Chart, Column, bar_chart
from app.web.formats import zone

dashboard = Blueprint("dashboard", __name__)
ROOM = 96
"""Pixels of the highest bar."""


@dashboard.get("/dashboard")
async def index() -> ResponseReturnValue:
    """What is open now, and how the last `days` days were: 7, or 30."""
    asked = request.args.get("days", "")
    days = int(asked) if asked in {str(one) for one in rules.PERIODS} else rules.PERIODS[0]
    found = await service.dashboard(days, zone=zone())
    most = max(max(day.opened, day.closed) for day in found.days)
    return await render_template(
        "dashboard/index.html",
        desk=found,
        days=days,
        periods=[
            {"label": f"Last {one} days", "href": f"?days={one}", "active": one == days, "count": None}
            for one in rules.PERIODS
        ],
        opened=_days("Opened", "tickets a day", found.days, [day.opened for day in found.days], most),
        closed=_days("Closed", "tickets a day", found.days, [day.closed for day in found.days], most),
        first_response=_times("First answer", "tickets, by how long it took", found.first_response),
        resolution=_times("Closing", "tickets, by how long it took", found.resolution),
        duration=rules.duration,
        share=rules.share,
        zone_name=zone().key.replace("_", " "),
    )


def _days(title: str, unit: str, days: Sequence[Day], values: Sequence[int], most: int) -> Chart:
    columns = [Column(day.label, value, f"{value:,}", day.so_far) for day, value in zip(days, values, strict=True)]
    told = "; ".join(f"{one.label}: {one.words}" for one in columns)
    last = len(columns) - 1
    named = (0, last // 2, last) if len(columns) <= rules.PERIODS[0] else (0, last // 3, 2 * last // 3, last)
    return bar_chart(title, columns, unit=unit, summary=f"{title} by day. {told}.", room=ROOM, full=most, named=named)


def _times(title: str, unit: str, found: Times) -> Chart:
    columns = [Column(name, count, f"{count:,}") for name, count in found.steps]
    told = "; ".join(f"{one.label}: {one.words}" for one in columns)
    most = max(count for _, count in found.steps)
    return bar_chart(title, columns, unit=unit, summary=f"{title}, by how long it took. {told}.", room=ROOM, full=most)
