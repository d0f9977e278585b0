"""The portal's own blueprints, in one list."""

from __future__ import annotations

from quart import Quart

from app.web.health import health


def install(app: Quart) -> None:
    """Register every feature's routes."""
    app.register_blueprint(health)
