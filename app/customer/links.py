"""The link to a ticket's page, one for each recipient's copy of a reply. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from app.consent.links import CopyLinks

PATH = "/conversation"
PURPOSE = "ticket-page"


class TicketLinks(CopyLinks):
    """Links that lead to the question for the address, and with the right one to the ticket.

    secrets: SECRET_KEY and then those of SECRET_KEY_PREVIOUS, at least one.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__(secrets, PURPOSE)
