"""What can go wrong with announcements."""

from __future__ import annotations

from collections.abc import Mapping


class AnnouncementError(Exception):
    """What was asked cannot be done; the message says why and what to do."""


class AnnouncementNotFound(AnnouncementError):
    """There is no such announcement."""


class AnnouncementRefused(AnnouncementError):
    """What was given does not hold; `fields` says what is wrong at which field, '' is about the whole."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class NotNow(AnnouncementError):
    """It is in a state in which this cannot be done."""


class NotAllowed(AnnouncementError):
    """Only others may do this."""
