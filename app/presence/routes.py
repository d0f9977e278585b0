"""What an open ticket page says now and then, and hears of the others."""

from __future__ import annotations

from quart import Blueprint, g, jsonify, request
from quart.typing import ResponseReturnValue

from app.presence import service
from app.tickets.errors import TicketNotFound

presence = Blueprint("presence", __name__)


@presence.errorhandler(TicketNotFound)
async def not_found(error: TicketNotFound) -> ResponseReturnValue:
    """A ticket that is gone, or never was."""
    return jsonify({"error": str(error)}), 404


@presence.post("/tickets/<int:ticket_id>/presence")
async def here(ticket_id: int) -> ResponseReturnValue:
    """Say that one is here (`state`: viewing or writing) or leaves (`left`); who else is here."""
    state = (await request.form).get("state", "")
    if state == "left":
        await service.gone(ticket_id, user=g.user)
        return jsonify({"words": ""})
    return jsonify({"words": await service.here(ticket_id, user=g.user, is_writing=state == "writing")})
