"""The admins' page of the sync: its account, what Plausible counts of it, and the goals that show it there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError
from quart import Blueprint, flash, redirect, render_template, request
from quart.typing import ResponseReturnValue

from app.database import utcnow
from app.services.web import admin_required
from plugins.plausible.handles import Handles
from plugins.plausible.readback import asks, causes
from plugins.plausible.readback.asking import EVERY, fingerprint
from plugins.plausible.readback.asks import Ask, Topic
from plugins.plausible.readback.reading import Reading
from plugins.plausible.readback.setup import Done, Wanted
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.account import account
from plugins.plausible.sync.days import SiteDays
from plugins.plausible.sync_page import glance, pace_of, rows, span

T = TypeVar("T", bound=BaseModel)
PATH = "/admin/modules/plausible/sync"
PERIODS = (7, 30)
SOON = timedelta(minutes=1)
"""How long a worker may take to see that something is wanted."""


def sync_routes(handles: Handles) -> Blueprint:
    """The page and its two buttons; for admins, with the module on or off. No request waits for Plausible."""
    routes = Blueprint("plausible_sync", __name__)
    database = handles.context.database

    @routes.get(PATH)
    @admin_required
    async def show() -> ResponseReturnValue:
        """The page, with what was read last."""
        return await page()

    @routes.post(f"{PATH}/read")
    @admin_required
    async def read() -> ResponseReturnValue:
        """Let a worker read back now."""
        missing = "an API key" if handles.settings.api_key is None else ""
        return await wanted("counts", missing, "reads what Plausible counts")

    @routes.post(f"{PATH}/setup")
    @admin_required
    async def set_up() -> ResponseReturnValue:
        """Let a worker make the goals and allow the properties."""
        has_key = handles.settings.api_key is not None or handles.settings.plugin_token is not None
        return await wanted("setup", "" if has_key else "an API key or a plugin token", "sets the goals up")

    async def wanted(topic: Topic, missing: str, does: str) -> ResponseReturnValue:
        if not handles.settings.site_domain:
            missing = "the site domain"
        if not handles.context.is_enabled():
            await flash("The module is off, so no worker asks Plausible: turn it on first.", "error")
        elif missing:
            await flash(f"This needs {missing}: enter it in the settings, then come back.", "error")
        else:
            await database.run(lambda conn: asks.want(conn, topic))
            await flash(f"The worker {does}; this page shows it within seconds.", "good")
        return redirect(f"{PATH}#{topic}", 303)

    async def page() -> str:
        settings, now = handles.settings, utcnow()
        days = SiteDays(ZoneInfo(settings.site_timezone))
        today = days.day(now)
        async with database.connection() as conn:
            found = await account(conn, now=now)
            topics = await asks.read(conn)
        chosen = request.args.get("days", PERIODS[0], type=int)
        period = chosen if chosen in PERIODS else PERIODS[0]
        about = fingerprint(settings, handles.context.settings.key)
        counts, setup = (topics.get(topic, Ask()) for topic in ("counts", "setup"))
        pending = {
            topic: ask.quiet_until is None
            and (ask.is_asking or (ask.wanted_at is not None and now - ask.wanted_at < SOON))
            for topic, ask in (("counts", counts), ("setup", setup))
        }
        return await render_template(
            "plausible/sync.html",
            path=PATH,
            settings=settings,
            enabled=handles.context.is_enabled(),
            glance=glance(found, settings, enabled=handles.context.is_enabled(), today=today, now=now),
            account=found,
            rows=rows(found, today),
            pace=pace_of(found),
            span=span,
            today=today,
            period=period,
            periods=[
                {"label": f"{one} days", "href": f"{PATH}?days={one}#counts", "active": one == period, "count": None}
                for one in PERIODS
            ],
            counts=counts,
            setup=setup,
            pending=pending,
            nobody={topic: topics[topic].wanted_at is not None and not pending[topic] for topic in topics},
            every=int(EVERY // 60),
            **_read_back(settings, counts, about, period),
            done=_parsed(Done, setup, about),
            steps=Wanted.of(settings),
            site_path=f"{settings.base_url}/{quote(settings.site_domain, safe='')}/settings",
        )

    return routes


def _read_back(settings: PlausibleSettings, counts: Ask, about: str, period: int) -> dict[str, Any]:
    sent = causes.Sent(
        settings.base_url,
        settings.site_domain,
        settings.site_timezone,
        settings.visitor_mode,
        Wanted.of(settings).goals,
    )
    reading = _parsed(Reading, counts, about)
    if reading is None:
        return {"reading": None, "dropped_words": causes.dropped(sent, is_known=False)}
    every = [one for one in causes.verdicts(reading, sent) if one.line.day > reading.last - timedelta(days=period)]
    return {
        "reading": reading,
        "verdicts": every,
        "differ": len({one.line.day for one in every if not one.is_fine}),
        "notes": causes.notes(reading, sent),
        "accepted": sum(one.line.accepted for one in every),
        "counted": sum(one.line.counted for one in every),
        "dropped_words": causes.dropped(sent),
    }


def _parsed(model: type[T], ask: Ask, about: str) -> T | None:
    """The last answer; None where there is none about the settings of now."""
    if not ask.answer or ask.about != about:
        return None
    try:
        return model.model_validate_json(ask.answer)
    except ValidationError:
        # Another release wrote it; the next answer replaces it.
        return None
