"""Finding the tickets of a list that hold certain words, in the list's own order.

Three ways, because none is fast for every word. Looking through the first tickets of the list, one after the other,
finds words that many tickets have. The full-text index finds words that few have; for common ones it reads all their
places first, seconds at a time, and cannot be stopped. What is left, words that are each common but seldom together,
is looked for through the whole list, for as long as a reader waits.
"""

from __future__ import annotations

from dataclasses import replace

import pymysql

from app.database import Connection
from app.tickets import listing_plan as plans
from app.tickets import listing_repository as repository
from app.tickets import listing_rules as rules
from app.tickets import search_repository
from app.tickets.errors import SearchTooBroad
from app.tickets.listing_plan import Plan
from app.tickets.listing_rules import Place, TicketQuery
from app.words import Needle

LOOK_THROUGH = 2_000
"""Tickets of the list that are looked through before anything else."""
SAMPLE = 500
"""Tickets that tell how common a word is."""
RARE = 0.05
"""The share of tickets up to which a word is looked up in the full-text index."""
FOUND = 4_000
"""Tickets that the index may give; of more the newest are taken, and the page says so."""
SECONDS = 2.0
"""After these a statement is stopped."""

_STOPPED = {1969, 3024, 188}
"""ER_STATEMENT_TIMEOUT of MariaDB, ER_QUERY_TIMEOUT of MySQL, and what InnoDB says when it stops a full-text search."""


async def ids(
    conn: Connection, query: TicketQuery, plan: Plan, needles: tuple[Needle, ...], *, limit: int
) -> tuple[list[int], int]:
    """The first tickets of the list that have all needles; and how many were looked at where not all were, else 0.

    Raises SearchTooBroad where that takes too long.
    """
    try:
        return await _ids(conn, query, plan, needles, limit)
    except pymysql.err.MySQLError as error:
        if error.args[0] not in _STOPPED:
            raise
        raise SearchTooBroad(
            f"The search was stopped after {SECONDS:g} seconds. Add a word that fewer tickets have, "
            "or narrow the list with a filter."
        ) from None


async def _ids(
    conn: Connection, query: TicketQuery, plan: Plan, needles: tuple[Needle, ...], limit: int
) -> tuple[list[int], int]:
    last = await repository.nth(conn, plan, number=LOOK_THROUGH)
    near = plan if last is None else _ending_at(query, plan, last)
    found = await repository.matching_ids(conn, near, needles, limit=limit, seconds=SECONDS)
    if last is None or len(found) == limit:
        return found, 0
    shares = await search_repository.frequencies(conn, needles, sample=SAMPLE)
    share, rarest = min(zip(shares, needles, strict=True), key=lambda pair: pair[0])
    if share > RARE:
        return await repository.matching_ids(conn, plan, needles, limit=limit, seconds=SECONDS), 0
    tickets = await search_repository.tickets_with(conn, rarest, limit=FOUND + 1, seconds=SECONDS)
    found = await repository.matching_of(conn, plan, needles, tickets[:FOUND], limit=limit)
    return found, FOUND if len(tickets) > FOUND else 0


def _ending_at(query: TicketQuery, plan: Plan, last: Place) -> Plan:
    condition, parameters = plans.up_to(query, rules.cursor_of(query, last))
    return replace(plan, conditions=(*plan.conditions, condition), parameters={**plan.parameters, **parameters})
