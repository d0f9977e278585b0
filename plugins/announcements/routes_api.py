"""/api/announcements: write, send, steer and count announcements."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from quart import Blueprint, Response, g
from quart_schema import document_response

from app.database import utcnow
from app.services.api import Refused, answer, asks, install, refusal, takes
from app.services.tickets import is_limited
from plugins.announcements import drafts, enclosures, flow, rules, statistics
from plugins.announcements.api_models import (
    AnnouncementChange,
    AnnouncementList,
    AnnouncementShown,
    AnnouncementStatistics,
    ListQuery,
    NewAnnouncement,
    NewSending,
    StatisticsQuery,
    changed,
    counted,
    given_of,
    shown,
)
from plugins.announcements.errors import AnnouncementNotFound, AnnouncementRefused, NotAllowed, NotNow
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from plugins.announcements.models import STATES, Announcement
from plugins.announcements.pages import LIMITED
from plugins.announcements.routes_api_import import add_import_routes

ONE = "/<int(max=2147483647):announcement_id>"
FIELDS = {"body": "html_body", "per_minute": "mails_per_minute", "send_at": "at", "files": "attachments"}
"""What the API calls the fields of the form."""


def api_routes(handles: Handles) -> Blueprint:
    """For everybody with a token or a session; sending is for those who may."""
    api = Blueprint("announcements_api", __name__, url_prefix="/api/announcements")
    install(api)
    _install_errors(api)

    @api.before_request
    async def only_while_on() -> None:
        if not handles.context.is_enabled():
            raise Refused(404, "The module Announcements is off; an admin can turn it on.")
        if is_limited():
            raise Refused(403, LIMITED)

    @api.get("")
    @document_response(AnnouncementList)
    @asks(ListQuery)
    async def list_announcements(*, query: ListQuery) -> Response:
        """List announcements, newest first."""
        if query.state and query.state not in STATES:
            words = f"must be one of {', '.join(STATES)}, got {query.state!r}."
            raise Refused(422, f"`state` {words}", {"state": words})
        page = await drafts.page(handles, words=query.q, state=query.state, before=int(query.before))
        return answer(AnnouncementList(announcements=[shown(one) for one in page.rows], next=page.older))

    @api.post("")
    @document_response(AnnouncementShown, 201)
    @takes(NewAnnouncement)
    async def create_announcement(*, body: NewAnnouncement) -> Response:
        """Write a draft."""
        number = await drafts.create(handles, given_of(body), by=g.user)
        return answer(await _shown(await announcement(handles, number)), 201)

    @api.get(ONE)
    @document_response(AnnouncementShown)
    async def read_announcement(announcement_id: int) -> Response:
        """Read one, with how far it has come."""
        return answer(await _shown(await announcement(handles, announcement_id)))

    @api.patch(ONE)
    @document_response(AnnouncementShown)
    @takes(AnnouncementChange)
    async def change_announcement(*, announcement_id: int, body: AnnouncementChange) -> Response:
        """Change a draft."""
        given = changed(await announcement(handles, announcement_id), body)
        return answer(await _shown(await drafts.save(handles, announcement_id, given, by=g.user)))

    @api.post(f"{ONE}/send")
    @document_response(AnnouncementShown)
    @takes(NewSending)
    async def send_announcement(*, announcement_id: int, body: NewSending) -> Response:
        """Send a draft now or later; for admins, or for everybody where the module is set so."""
        at = None if body.at is None else _moment(body.at)
        return answer(await _shown(await flow.send(handles, announcement_id, by=g.user, at=at)))

    async def steer(announcement_id: int, step: Callable[..., Awaitable[Announcement]]) -> Response:
        return answer(await _shown(await step(handles, announcement_id, by=g.user)))

    @api.post(f"{ONE}/pause")
    @document_response(AnnouncementShown)
    async def pause_announcement(announcement_id: int) -> Response:
        """Send nothing more until `resume`."""
        return await steer(announcement_id, flow.pause)

    @api.post(f"{ONE}/resume")
    @document_response(AnnouncementShown)
    async def resume_announcement(announcement_id: int) -> Response:
        """Go on where it was paused."""
        return await steer(announcement_id, flow.resume)

    @api.post(f"{ONE}/stop")
    @document_response(AnnouncementShown)
    async def stop_announcement(announcement_id: int) -> Response:
        """End it for good; who has no mail yet gets none."""
        return await steer(announcement_id, flow.stop)

    @api.get(f"{ONE}/statistics")
    @document_response(AnnouncementStatistics)
    @asks(StatisticsQuery)
    async def read_announcement_statistics(*, announcement_id: int, query: StatisticsQuery) -> Response:
        """Read the figures as they were counted last, or count them anew."""
        known = await announcement(handles, announcement_id)
        found = None if query.refresh == "true" else await statistics.stored(handles, announcement_id)
        return answer(counted(found or await statistics.count(handles, known)))

    add_import_routes(api, handles)

    async def _shown(known: Announcement) -> AnnouncementShown:
        return shown(known, await flow.progress(handles, known), await enclosures.attached(handles, known))

    return api


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("it has no offset")
        rules.check_moment(moment, utcnow())
    except (ValueError, OverflowError) as error:
        words = f"must be a time in the future with an offset, as in 2026-12-24T09:30:00Z, got {text!r} ({error})."
        raise Refused(422, f"`at` {words}", {"at": words}) from None
    return moment.astimezone(UTC)


def _install_errors(api: Blueprint) -> None:
    @api.errorhandler(AnnouncementNotFound)
    async def not_found(error: AnnouncementNotFound) -> Response:
        return refusal(404, str(error))

    @api.errorhandler(NotAllowed)
    async def not_allowed(error: NotAllowed) -> Response:
        return refusal(403, str(error))

    @api.errorhandler(NotNow)
    async def not_now(error: NotNow) -> Response:
        return refusal(409, str(error))

    @api.errorhandler(AnnouncementRefused)
    async def refused(error: AnnouncementRefused) -> Response:
        return refusal(422, str(error), {FIELDS.get(name, name): words for name, words in error.fields.items()})
