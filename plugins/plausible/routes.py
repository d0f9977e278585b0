"""What agents and programs ask: the status of one recipient's copy."""

from __future__ import annotations

from quart import Blueprint, Response, abort
from quart.typing import ResponseReturnValue
from quart_schema import document_response

from app.database import Database
from plugins.plausible.links import PREFIX, is_tracking_id
from plugins.plausible.status import CopyStatus, copy_status


def status_routes(database: Database) -> Blueprint:
    """The endpoint."""
    routes = Blueprint("plausible", __name__)

    @routes.get(f"{PREFIX}status/<tracking_id>")
    @document_response(CopyStatus)
    async def read_tracking_status(tracking_id: str) -> ResponseReturnValue:
        """Tell what is known of one recipient's copy of a reply."""
        found = await copy_status(database, tracking_id) if is_tracking_id(tracking_id) else None
        if found is None:
            abort(404, "There is no reply with this tracking id.")
        return Response(found.model_dump_json(), mimetype="application/json")

    return routes
