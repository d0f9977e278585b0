"""/announcements/…/import: a CSV file of addresses, looked at before it counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

from quart import Blueprint, Response, flash, g, redirect, render_template, request
from quart.typing import ResponseReturnValue

from app.services import spreadsheets
from plugins.announcements import csv_file, imports
from plugins.announcements.errors import AnnouncementRefused
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from plugins.announcements.imports import COUNTED, PAGE, VERDICTS
from plugins.announcements.pages import blueprint
from plugins.announcements.routes import PATH

LABELS = {"file": "CSV file"}
EXPORTED = 2000


def import_routes(handles: Handles) -> Blueprint:
    """For everybody who is logged in."""
    routes = blueprint("import", handles)
    here = f"{PATH}/<int:number>/import"

    @routes.get(here)
    async def form(number: int) -> ResponseReturnValue:
        """The form for a file."""
        return await _form(number, {})

    @routes.post(here)
    async def upload(number: int) -> ResponseReturnValue:
        """Take a file, and lead to what was found in it."""
        given = (await request.files).get("file")
        if given is None or not given.filename:
            return await _form(number, {"file": "No file was chosen; choose one."}), 422
        content = given.stream.read(csv_file.MAX_BYTES + 1)
        try:
            made = await imports.upload(handles, number, filename=given.filename, content=content, by=g.user)
        except AnnouncementRefused as error:
            return await _form(number, error.fields), 422
        return redirect(f"{PATH}/{number}/import/{made}", 303)

    async def _form(number: int, errors: dict[str, str]) -> str:
        return await render_template(
            "announcements/import.html",
            known=await announcement(handles, number),
            errors=errors,
            labels=LABELS,
            most=csv_file.MAX_BYTES // 1_000_000,
            most_lines=csv_file.MAX_LINES,
        )

    @routes.get(f"{here}/<int:import_id>")
    async def report(number: int, import_id: int) -> ResponseReturnValue:
        """What becomes of each line."""
        known = await announcement(handles, number)
        found = await imports.one(handles, number, import_id)
        verdict = request.args.get("verdict", "")
        verdict = verdict if verdict in VERDICTS else ""
        after = request.args.get("after", 0, type=int)
        rows = await imports.lines(handles, import_id, verdict=verdict, after=after, limit=PAGE + 1)
        path = f"{PATH}/{number}/import/{import_id}"
        tabs = [{"label": "All lines", "href": path, "active": not verdict, "count": sum(found.counts.values())}]
        tabs += [
            {"label": words, "href": f"{path}?verdict={key}", "active": key == verdict, "count": found.counts[key]}
            for key, words in VERDICTS.items()
            if found.counts.get(key)
        ]
        more = {"verdict": verdict, "after": rows[PAGE - 1]["line"]} if len(rows) > PAGE else {}
        return await render_template(
            "announcements/report.html",
            known=known,
            found=found,
            rows=rows[:PAGE],
            tabs=tabs,
            verdicts=VERDICTS,
            counted=COUNTED,
            path=path,
            next=f"{path}?{urlencode(more)}" if more else "",
            first=not after,
            separators={",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"},
        )

    @routes.post(f"{here}/<int:import_id>/accept")
    async def accept(number: int, import_id: int) -> ResponseReturnValue:
        """Make it the draft's audience."""
        try:
            count = await imports.accept(handles, number, import_id)
        except AnnouncementRefused as error:
            return await _form(number, error.fields), 422
        await flash(f"{count:,} addresses of the file are who gets it.", "good")
        return redirect(f"{PATH}/{number}", 303)

    @routes.get(f"{here}/<int:import_id>/report.csv")
    async def download(number: int, import_id: int) -> ResponseReturnValue:
        """All lines with what becomes of each."""
        await imports.one(handles, number, import_id)

        async def body() -> AsyncIterator[bytes]:
            yield spreadsheets.MARK + spreadsheets.lines([("line", "email", "name", "verdict", "reason")])
            after = 0
            while rows := await imports.lines(handles, import_id, after=after, limit=EXPORTED):
                yield spreadsheets.lines(
                    (row["line"], row["email"], row["name"], VERDICTS[row["verdict"]], row["words"]) for row in rows
                )
                after = rows[-1]["line"]

        response = Response(body(), mimetype="text/csv")
        response.headers["Content-Disposition"] = f'attachment; filename="import-{import_id}.csv"'
        response.timeout = None
        return response

    return routes
