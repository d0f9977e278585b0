"""Why a customer does not get to a ticket."""

from __future__ import annotations


class LinkUnusable(LookupError):
    """A link that leads nowhere; `reason` is 'unknown', 'expired' or 'off'."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the link to a ticket's page is unusable: {reason}")
        self.reason = reason


class NotShown(LookupError):
    """There is no such message or file, or it is not this customer's to see."""


class WrongAddress(ValueError):
    """The address is not the one that the mail went to."""
