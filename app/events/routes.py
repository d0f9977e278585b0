"""All events at /admin/events, and as files. For admins."""

from __future__ import annotations

from urllib.parse import urlencode

from quart import Blueprint, Response, render_template, request
from quart.typing import ResponseReturnValue

from app.database import utcnow
from app.events import asking, exporting, service
from app.events.models import CLASSES, KINDS, PORTAL, EventPage, EventQuery, EventsRefused
from app.runtime import current
from app.web.access import admin_required
from app.web.errors import error_response
from app.web.formats import zone

events = Blueprint("events", __name__, url_prefix="/admin")
LABELS = {
    "type": "What", "class": "By", "from": "From", "to": "To", "recipient": "Recipient", "ticket": "Ticket",
    "reply": "Reply", "source": "Source", "after": "Page",
}  # fmt: skip


def _asked() -> EventQuery:
    return asking.parse(request.args, today=utcnow().astimezone(zone()).date())


@events.get("/events")
@admin_required
async def index() -> ResponseReturnValue:
    """One page of events."""
    errors: dict[str, str] = {}
    found = EventPage((), "")
    try:
        query = _asked()
        found = await service.page(query, zone=zone())
    except EventsRefused as error:
        errors = error.fields
        query = asking.parse({}, today=utcnow().astimezone(zone()).date())
    names = {PORTAL: "The portal", **{slug: info.name for slug, info in current().infos.items()}}
    return await render_template(
        "events/index.html",
        page=found,
        errors=errors,
        labels=LABELS,
        given={name: request.args.get(name, "") if errors else query.arguments().get(name, "") for name in LABELS},
        kinds=KINDS,
        classes=CLASSES,
        sources={slug: names.get(slug, slug) for slug in service.sources()},
        names=names,
        chips=_chips(query, names),
        arguments=urlencode(query.arguments()),
        next_href=f"/admin/events?{urlencode(query.arguments(after=found.next))}" if found.next else "",
        first_href=f"/admin/events?{urlencode(query.arguments())}" if query.cursor else "",
        days=(query.last - query.first).days + 1,
    ), 400 if errors else 200


@events.get("/events.<any(csv, json):kind>")
@admin_required
async def export(kind: str) -> ResponseReturnValue:
    """All of them as a file."""
    here = zone()
    try:
        query = _asked()
    except EventsRefused as error:
        return await error_response(400, str(error))
    # Before anything of the file has left: what cannot be asked shows as an error.
    first = await service.page(query, zone=here, limit=service.EXPORT_PAGE)
    pages = service.everything(query, first, zone=here)
    content = exporting.csv_file(pages) if kind == "csv" else exporting.json_file(pages)
    response = Response(content, content_type="text/csv; charset=utf-8" if kind == "csv" else "application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="events-{query.first}-{query.last}.{kind}"'
    response.timeout = None
    return response


def _chips(query: EventQuery, names: dict[str, str]) -> list[dict[str, str]]:
    days = f"{query.first.day} {query.first:%b %Y} to {query.last.day} {query.last:%b %Y}"
    chosen = [
        ("type", KINDS.get(query.kind, "")),
        ("class", CLASSES.get(query.made_by, "")),
        ("recipient", query.recipient),
        ("ticket", f"#{query.ticket_id}" if query.ticket_id else ""),
        ("reply", str(query.reply_id or "")),
        ("source", names.get(query.source, query.source)),
    ]
    found = [
        {"label": f"{LABELS[name]}: {words}", "href": f"/admin/events?{urlencode(query.arguments(**{name: ''}))}"}
        for name, words in chosen
        if words
    ]
    leave = {"from": "", "to": ""}
    return [{"label": f"Days: {days}", "href": f"/admin/events?{urlencode(query.arguments(**leave))}"}, *found]
