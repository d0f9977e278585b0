"""Every reason for which a ticket is not shown, changed or answered, in one tree."""

from __future__ import annotations

from collections.abc import Mapping


class TicketError(ValueError):
    """What was asked cannot be done with this ticket; the message says why and what to do."""


class TicketNotFound(TicketError):
    """There is no such ticket, message, draft or file, or it is not this agent's to see."""


class TicketRefused(TicketError):
    """Something that was given breaks a rule.

    fields: the form field (or JSON name) → what is wrong with it; the key "" is about the whole.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class ListRefused(TicketRefused):
    """A list was asked for in a way that does not hold; the fields are the URL's arguments."""


class SearchTooBroad(TicketError):
    """A search took too long and was stopped; the message says how to narrow it."""


class BodyTooLarge(TicketRefused):
    """A message has more text than the portal takes; the field is `body`."""


class ReplyCrossed(TicketRefused):
    """Somebody else wrote to the ticket after the author had last looked."""


class AuthorRefused(TicketRefused):
    """The agent who writes was disabled meanwhile."""


def sentence(error: Exception) -> str:
    """The words of another part's error as a sentence for a page."""
    words = str(error)
    words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "!", "?")) else words + "."
