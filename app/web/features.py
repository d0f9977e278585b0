"""The portal's own blueprints, in one list."""

from __future__ import annotations

from quart import Quart

from app.tickets.routes_actions import ticket_actions
from app.tickets.routes_files import ticket_files
from app.tickets.routes_new import new_ticket
from app.tickets.routes_page import tickets
from app.web.health import health


def install(app: Quart) -> None:
    """Register every feature's routes."""
    app.register_blueprint(health)
    app.register_blueprint(new_ticket)
    app.register_blueprint(ticket_actions)
    app.register_blueprint(ticket_files)
    app.register_blueprint(tickets)
