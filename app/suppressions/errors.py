"""What can be wrong with a change of the list."""

from __future__ import annotations


class SuppressionNotFound(Exception):
    """There is no such line."""


class SuppressionRefused(ValueError):
    """A line cannot be added or changed; `field` says where that is shown."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field
