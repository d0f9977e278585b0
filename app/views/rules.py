"""What holds for saved views. Pure."""

from __future__ import annotations

import unicodedata
from urllib.parse import parse_qsl, urlencode

from app.tickets.errors import ListRefused
from app.tickets.listing_rules import TicketQuery, parse
from app.views.errors import ViewRefused

MAX_NAME = 60
MAX_QUERY = 1000
MOST = 50
"""Views of one agent."""


def check_name(name: str) -> str:
    """The name as it is kept. Raises ViewRefused naming the field `name`."""
    name = " ".join(name.split())
    if not name:
        raise ViewRefused({"name": "The name is empty; say in a few words what the list holds."})
    if len(name) > MAX_NAME:
        raise ViewRefused({"name": f"The name has {len(name)} characters, at most {MAX_NAME} fit; shorten it."})
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
        raise ViewRefused({"name": "The name holds a control character; remove it."})
    return name


def query_of(text: str, *, user_id: int) -> str:
    """The arguments of a list as they are kept. Raises ViewRefused for a list that there cannot be."""
    try:
        kept = arguments(parse(dict(parse_qsl(text)), user_id=user_id))
    except (ListRefused, ValueError) as error:
        raise ViewRefused({"": f"This list cannot be saved: {error}"}) from None
    if len(kept) > MAX_QUERY:
        raise ViewRefused({"": f"The list's address has more than {MAX_QUERY} characters; search for less."})
    return kept


def arguments(query: TicketQuery) -> str:
    """A list without its page, with "me" where the agent themselves is meant: shared, it is each reader's own."""
    found = query.first_page().arguments()
    if query.assignee == query.user_id:
        found["assignee"] = "me"
    return urlencode(found)
