"""/campaigns/…/statistics/: who got an announcement, and what became of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from quart import Blueprint, Response, redirect, render_template, request
from quart.typing import ResponseReturnValue

from app.database import Row
from app.services import spreadsheets
from plugins.announcements import figures, statistics
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from plugins.announcements.models import REASONS, STATES
from plugins.announcements.pages import blueprint
from plugins.announcements.routes import PATH
from plugins.announcements.statistics import COLUMNS, FILTERS

STATE_WORDS = {
    "waiting": "Waiting",
    "left_out": "Left out",
    "queued": "In the outbox",
    "claimed": "In the outbox",
    "sending": "Being sent",
    "retry": "Tried again later",
    "sent": "Sent",
    "unknown": "Outcome unknown",
    "failed": "Failed",
}
TONES = {"sent": "neutral", "unknown": "warn", "failed": "bad", "bounced": "bad", "complained": "bad", "read": "good"}


def statistics_routes(handles: Handles) -> Blueprint:
    """For everybody who is logged in."""
    routes = blueprint("statistics", handles)
    here = "/campaigns/<int:number>/statistics/"

    @routes.get("/campaigns/", strict_slashes=False)
    async def index() -> ResponseReturnValue:
        """All of them: the address without a number."""
        return redirect(PATH, 303)

    @routes.get(here)
    async def show(number: int) -> ResponseReturnValue:
        """The page; with ?refresh=true everything is counted anew first."""
        known = await announcement(handles, number)
        view, words, after = _asked()
        found = await statistics.stored(handles, number)
        if found is None or request.args.get("refresh", "").lower() in {"true", "1"}:
            found = await statistics.count(handles, known)
        rows = await statistics.page(handles, number, view=view, words=words, after=after, limit=statistics.PAGE + 1)
        before = await statistics.before(handles, number, view=view, words=words, place=after)
        path = f"/campaigns/{number}/statistics/"

        def href(**given: Any) -> str:
            kept = {name: value for name, value in {"view": view, "q": words, **given}.items() if value}
            return f"{path}{'?' if kept else ''}{urlencode(kept)}#recipients"

        more = len(rows) > statistics.PAGE
        return await render_template(
            "announcements/statistics.html",
            known=known,
            state=STATES[known.state],
            found=found,
            figures=found.figures,
            detail=found.detail,
            chart=figures.opens_chart(found.detail),
            label=figures.time_label,
            event_words=figures.WORDS,
            rows=[_shown(row) for row in rows[: statistics.PAGE]],
            views=[
                {"label": label, "href": href(view=key), "active": key == view} for key, (label, _) in FILTERS.items()
            ],
            view=view,
            view_word=FILTERS[view][0] if view else "",
            words=words,
            previous=href(after=before) if before is not None else "",
            next=href(after=rows[statistics.PAGE - 1]["id"]) if more else "",
            export=urlencode({name: value for name, value in {"view": view, "q": words}.items() if value}),
            path=path,
        )

    @routes.post(f"{here}refresh")
    async def refresh(number: int) -> ResponseReturnValue:
        """Count everything anew."""
        await statistics.count(handles, await announcement(handles, number))
        return redirect(f"/campaigns/{number}/statistics/", 303)

    @routes.get(f"{here}recipients.csv")
    async def as_csv(number: int) -> ResponseReturnValue:
        """Recipients of a view as a spreadsheet takes them."""
        await announcement(handles, number)
        view, words, _ = _asked()

        async def body() -> AsyncIterator[bytes]:
            yield spreadsheets.MARK + spreadsheets.lines([COLUMNS])
            async for rows in statistics.everybody(handles, number, view=view, words=words):
                yield spreadsheets.lines([_plain(row[name]) for name in COLUMNS] for row in rows)

        return _download(body(), "text/csv", f"announcement-{number}.csv")

    @routes.get(f"{here}statistics.json")
    async def as_json(number: int) -> ResponseReturnValue:
        """Figures and recipients of a view."""
        known = await announcement(handles, number)
        view, words, _ = _asked()
        found = await statistics.stored(handles, number) or await statistics.count(handles, known)
        head = {"id": number, "subject": known.subject, "state": known.state, "statistics": found.as_dict()}

        async def body() -> AsyncIterator[bytes]:
            yield (json.dumps(head, default=_plain, ensure_ascii=False)[:-1] + ', "recipients": [').encode()
            gap = ""
            async for rows in statistics.everybody(handles, number, view=view, words=words):
                for row in rows:
                    plain = {name: row[name] for name in COLUMNS}
                    yield (gap + json.dumps(plain, default=_plain, ensure_ascii=False)).encode()
                    gap = ",\n"
            yield b"]}\n"

        return _download(body(), "application/json", f"announcement-{number}.json")

    return routes


def _asked() -> tuple[str, str, int]:
    view = request.args.get("view", "")
    after = request.args.get("after", 0, type=int)
    return view if view in FILTERS else "", request.args.get("q", "").strip()[:200], after


def _shown(row: Row) -> Mapping[str, Any]:
    """A recipient as the table shows them: what became of the mail, in a word and a colour."""
    state = row["fate"] or row["state"]
    word = figures.fate_word(state, row["fate_short"]) if row["fate"] else STATE_WORDS.get(state, state)
    tone = figures.WORDS[state][1] if row["fate"] else TONES.get(state, "quiet")
    if row["opens"] and state in {"sent", "delivered"}:
        word, tone = "Read", "good"
    why = REASONS.get(row["reason"], "") if row["state"] == "left_out" else ""
    if row["state"] in {"failed", "unknown", "retry"} or row["fate"] in {"bounced", "complained"}:
        why = row["words"]
    return {**row, "word": word, "tone": tone, "why": why}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _download(body: AsyncIterator[bytes], mimetype: str, name: str) -> Response:
    response = Response(body, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.timeout = None
    return response
