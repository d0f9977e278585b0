"""Finding the tickets of a list that hold certain words, in the list's own order.

Two ways, because neither is fast for every word. Looking through the list, one ticket after the other, soon fills a
page with words that many tickets have. The full-text index finds what few have; of common words it reads all places
first, which takes seconds and cannot be stopped. How common words are, the newest tickets tell.
"""

from __future__ import annotations

import pymysql

from app.database import Connection
from app.tickets import listing_repository as repository
from app.tickets import search_repository
from app.tickets.errors import SearchTooBroad
from app.tickets.listing_plan import Plan
from app.words import Needle

SAMPLE = 500
"""Tickets that tell how common words are."""
TOGETHER = 0.01
"""The share of tickets that have all words from which on looking through the list is the faster way."""
RARE = 0.03
"""The share of tickets up to which a word is looked up in the full-text index."""
FOUND = 4_000
"""Tickets that the index may give; of more the newest are taken, and the page says so."""
SECONDS = 2.0
"""After these a statement is stopped."""

_STOPPED = {1969, 3024, 188}
"""ER_STATEMENT_TIMEOUT of MariaDB, ER_QUERY_TIMEOUT of MySQL, and what InnoDB says when it stops a full-text search."""


async def ids(conn: Connection, plan: Plan, needles: tuple[Needle, ...], *, limit: int) -> tuple[list[int], int]:
    """The first tickets of the list that have all needles; and how many were looked at where not all were, else 0.

    Raises SearchTooBroad where that takes too long.
    """
    try:
        return await _ids(conn, plan, needles, limit)
    except pymysql.err.MySQLError as error:
        if error.args[0] not in _STOPPED:
            raise
        raise SearchTooBroad(
            f"The search was stopped after {SECONDS:g} seconds. Add a word that fewer tickets have, "
            "or narrow the list with a filter."
        ) from None


async def _ids(conn: Connection, plan: Plan, needles: tuple[Needle, ...], limit: int) -> tuple[list[int], int]:
    shares, together = await search_repository.shares(conn, needles, sample=SAMPLE, seconds=SECONDS)
    # A ticket that lacks the first word is not looked at for the others.
    (share, rarest), *_ = ordered = sorted(zip(shares, needles, strict=True), key=lambda pair: pair[0])
    needles = tuple(needle for _, needle in ordered)
    if together >= TOGETHER or share > RARE:
        return await repository.matching_ids(conn, plan, needles, limit=limit, seconds=SECONDS), 0
    tickets = await search_repository.tickets_with(conn, rarest, limit=FOUND + 1, seconds=SECONDS)
    found = await repository.matching_of(conn, plan, needles, tickets[:FOUND], limit=limit)
    return found, FOUND if len(tickets) > FOUND else 0
