"""What holds for canned replies, and how their placeholders are filled. Pure.

A placeholder is a name between two braces and nothing more: no expression, no filter, no attribute. What is filled in
is escaped, so that a customer's name cannot bring markup into an answer.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from html import escape, unescape

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
_PLACEHOLDER = re.compile(r"\{\{([^{}<>]{0,100})\}\}")


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
    for found in _PLACEHOLDER.findall(html):
        name = _name(found)
        if name not in PLACEHOLDERS:
            near = difflib.get_close_matches(name, PLACEHOLDERS, 1)
            hint = f"did you mean {{{{{near[0]}}}}}?" if near else f"there are {', '.join(PLACEHOLDERS)}."
            raise ValueError(f"Nothing fills {{{{{name}}}}}: {hint}")


def fill(html: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled; one that there is no value for stays as it is."""

    def value(match: re.Match[str]) -> str:
        found = values.get(_name(match[1]))
        return match[0] if found is None else escape(found)

    return _PLACEHOLDER.sub(value, html)


def _name(written: str) -> str:
    return unescape(written).replace("\u00a0", " ").strip().lower()
