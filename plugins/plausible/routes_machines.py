"""The admins' page about machines: how much they open, which rule decided how often, and what a request would be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

from quart import Blueprint, Response, render_template, request
from quart.typing import ResponseReturnValue

from app.database import utcnow
from app.hookspecs import PluginContext
from app.services.web import admin_required
from plugins.plausible import corrections, machines_repository, trial
from plugins.plausible.classify import State
from plugins.plausible.machines import (
    CHARTS,
    CLASS_WORDS,
    COLUMNS,
    PERIODS,
    UNKNOWN,
    chart,
    fired,
    first_monday,
    percent,
    weeks_of,
)
from plugins.plausible.networks_file import NetworksFile

PATH = "/admin/modules/plausible/machines"
CORRECTIONS = "/admin/modules/plausible/corrections.jsonl"
USUAL_PERIOD = 30
BADGES = {
    State.NONE: "Sent, as if nothing had come",
    State.MACHINE: "Opened by a machine",
    State.READ: "Read",
    State.REPLIED: "Replied",
}


def machines_routes(context: PluginContext, networks: NetworksFile) -> Blueprint:
    """The page and the download; for admins, with the module on or off."""
    routes = Blueprint("plausible_machines", __name__)

    @routes.get(PATH)
    @admin_required
    async def show() -> ResponseReturnValue:
        """The page, with an empty box."""
        return await page({}, {})

    @routes.post(PATH)
    @admin_required
    async def look() -> ResponseReturnValue:
        """The page with what would be made of the pasted request, or with what is wrong."""
        form = await request.form
        tried, errors = trial.read(form)
        if errors:
            return await page(form, errors), 422
        now = utcnow()
        found = trial.try_out(tried, networks.current(), now=now, stale=networks.is_stale(now.date()))
        return await page(form, {}, found)

    @routes.get(CORRECTIONS)
    @admin_required
    async def download() -> ResponseReturnValue:
        """What agents marked wrong, one JSON line for each copy."""
        portal = context.settings.portal
        lines = corrections.lines(context.database, portal_host=portal.hostname if portal else None)
        # A database that is away is an error page, not a download that ends at once.
        first = await anext(lines, "")

        async def body() -> AsyncIterator[str]:
            yield first
            async for line in lines:
                yield line

        response = Response(body(), mimetype="application/jsonl")
        response.headers["Content-Disposition"] = 'attachment; filename="corrections.jsonl"'
        response.timeout = None
        return response

    async def page(form: Mapping[str, str], errors: Mapping[str, str], found: trial.Found | None = None) -> str:
        today = utcnow().date()
        days = request.args.get("days", USUAL_PERIOD, type=int)
        period = days if days in PERIODS else USUAL_PERIOD
        async with context.database.connection() as conn:
            counts = await machines_repository.counts(
                conn, first_monday=first_monday(today), since=today - timedelta(days=period - 1)
            )
            corrected = await corrections.count(conn)
        weeks = weeks_of(counts, today)
        highest = max((week.share(kind) or 0.0 for week in weeks for kind in CHARTS), default=0.0)
        shown: dict[str, Any] = {
            "weeks": weeks,
            "columns": {
                key: words
                for key, words in COLUMNS.items()
                if key != UNKNOWN or any(week.counts.get(UNKNOWN) for week in weeks)
            },
            "anything": any(week.opens for week in weeks),
            "overall": chart("Opens by machines, of all opens", weeks, room=96),
            "charts": [chart(words, weeks, kind, room=56, full=highest) for kind, words in CHARTS.items()],
            "rules": fired(counts),
            "period": period,
            "periods": [
                {"label": f"{days} days", "href": f"{PATH}?days={days}#rules", "active": days == period, "count": None}
                for days in PERIODS
            ],
            "networks": networks.check(today),
        }
        return await render_template(
            "plausible/machines.html",
            **shown,
            form=form,
            errors=errors,
            found=found,
            choices=trial,
            badges=BADGES,
            class_words=CLASS_WORDS,
            percent=percent,
            corrected=corrected,
            corrections_path=CORRECTIONS,
            enabled=context.is_enabled(),
        )

    return routes
