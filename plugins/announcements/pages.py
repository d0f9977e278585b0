"""What the module's pages have in common: gone while the module is off, and refusals in words."""

from __future__ import annotations

from quart import Blueprint, abort
from quart.typing import ResponseReturnValue

from app.services.tickets import is_limited
from app.services.web import error_response
from plugins.announcements.errors import AnnouncementNotFound, NotAllowed, NotNow
from plugins.announcements.handles import Handles

LIMITED = "Announcements go to customers of all departments, and you work for some of them only. Ask an admin."


def blueprint(name: str, handles: Handles) -> Blueprint:
    """A blueprint for pages of people who are logged in."""
    made = Blueprint(f"announcements_{name}", __name__)

    @made.before_request
    async def only_while_on() -> None:
        if not handles.context.is_enabled():
            abort(404, "The module Announcements is off. An admin can turn it on under Admin, Integration Modules.")
        if is_limited():
            abort(403, LIMITED)

    @made.errorhandler(AnnouncementNotFound)
    async def not_found(error: AnnouncementNotFound) -> ResponseReturnValue:
        return await error_response(404, str(error))

    @made.errorhandler(NotAllowed)
    async def not_allowed(error: NotAllowed) -> ResponseReturnValue:
        return await error_response(403, str(error))

    @made.errorhandler(NotNow)
    async def not_now(error: NotNow) -> ResponseReturnValue:
        return await error_response(409, str(error))

    return made
