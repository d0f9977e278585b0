"""What can go wrong with tags."""

from __future__ import annotations

from collections.abc import Mapping


class TagRefused(ValueError):
    """What was given does not hold; `fields` says what is wrong at which field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class TagNotFound(LookupError):
    """There is no such tag."""
