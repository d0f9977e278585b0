"""The portal's own blueprints, in one list."""

from __future__ import annotations

from quart import Quart


def install(app: Quart) -> None:
    """Register every feature's routes."""
    from app.accounts.routes import accounts
    from app.accounts.routes_admin import admin
    from app.accounts.routes_profile import profile

    app.register_blueprint(accounts)
    app.register_blueprint(admin)
    app.register_blueprint(profile)
