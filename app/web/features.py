"""The portal's own blueprints, in one list."""

from __future__ import annotations

from quart import Quart


def install(app: Quart) -> None:
    """Register every feature's routes."""
