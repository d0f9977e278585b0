"""What holds for canned replies, and how their placeholders are filled. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from app import placeholders

MAX_TITLE = 100
PLACEHOLDERS: Mapping[str, str] = {
    "contact.name": "the customer's name",
    "contact.first_name": "the first word of it",
    "contact.email": "the customer's address",
    "ticket.number": "the ticket's number",
    "ticket.subject": "the ticket's subject",
    "agent.name": "your name",
    "agent.email": "your address",
}
"""What each stands for, in words."""


def check_title(title: str) -> str:
    """A title as it can be stored. Raises ValueError in words."""
    title = " ".join(title.split())
    if not title:
        raise ValueError("The title is empty; write what to find this reply by.")
    if len(title) > MAX_TITLE:
        raise ValueError(f"The title has {len(title)} characters, at most {MAX_TITLE} fit; shorten it.")
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in title):
        raise ValueError("The title holds a control character; remove it.")
    return title


def check_placeholders(html: str) -> None:
    """Raise ValueError, in words, for a placeholder that nothing fills."""
    placeholders.check(html, PLACEHOLDERS)


def fill(html: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled; one that there is no value for stays as it is."""
    return placeholders.fill(html, values)
