"""What can go wrong with canned replies."""

from __future__ import annotations

from collections.abc import Mapping


class CannedRefused(ValueError):
    """What was given does not hold; `fields` says what is wrong at which field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class CannedNotFound(LookupError):
    """There is no such canned reply, or it is another agent's own."""
