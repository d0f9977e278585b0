"""What can go wrong with saved views."""

from __future__ import annotations

from collections.abc import Mapping


class ViewRefused(ValueError):
    """What was given does not hold; `fields` says what is wrong at which field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class ViewNotFound(LookupError):
    """There is no such view, or it is not this agent's to change."""
