"""The ticket list: what a page of it holds, the counts of its views, and where a search jumps."""

from __future__ import annotations

import re
from dataclasses import replace

from app.accounts import repository as accounts
from app.contacts import repository as contacts
from app.database import Connection
from app.receipts import service as receipts
from app.runtime import current
from app.tags import repository as tags
from app.tickets import access, search
from app.tickets import listing_plan as plans
from app.tickets import listing_repository as repository
from app.tickets import listing_rules as rules
from app.tickets.listing_models import Jump, TicketPage, TicketRow
from app.tickets.listing_rules import TicketQuery
from app.words import needles as needles_of

PAGE = 50
MOST_COUNTED = 999
"""Views that hold more say so instead of a count."""

_TICKET_NUMBER = re.compile(r"#([0-9]{1,9})")


async def list_tickets(query: TicketQuery, *, limit: int = PAGE) -> TicketPage:
    """One page of tickets with the badges of their last replies.

    Raises SearchTooBroad where the words of the query cannot be found in time.
    """
    stored = None
    if query.receipt:
        stored = plans.stored_receipts(query.receipt, await receipts.visible_states())
    async with current().database.connection() as conn:
        page = await _page(conn, query, stored, limit)
    badges = await receipts.badges([row.last_reply_id for row in page.rows if row.last_reply_id])
    rows = tuple(replace(row, badge=badges.get(row.last_reply_id or 0)) for row in page.rows)
    return replace(page, rows=rows)


async def view_counts(user_id: int) -> dict[str, str]:
    """How many tickets the views of open tickets hold, in words: "12", "999+"."""
    async with current().database.connection() as conn:
        counts = await repository.view_counts(conn, user_id=user_id, limit=MOST_COUNTED + 1)
    return {view: str(count) if count <= MOST_COUNTED else f"{MOST_COUNTED}+" for view, count in counts.items()}


async def agents() -> dict[int, str]:
    """Names of everybody who may have tickets, by id, as far as whoever looks knows them."""
    async with current().database.connection() as conn:
        users = await accounts.list_users(conn, include_disabled=False)
    return {user.id: user.name for user in users if access.knows(user)}


async def jump(words: str) -> Jump | None:
    """Where a search leads at once: "#123" to that ticket, a contact's address to the contact; None for any other."""
    words = words.strip()
    number = _TICKET_NUMBER.fullmatch(words)
    async with current().database.connection() as conn:
        if number:
            found = await access.visible(conn, [int(number[1])])
            return Jump(ticket_id=int(number[1])) if found else None
        if "@" in words and not re.search(r"\s", words):
            contact_id = await contacts.contact_of_address(conn, words)
            if contact_id and not await access.sees_contact(conn, contact_id):
                return None
            return Jump(contact_id=contact_id) if contact_id else None
    return None


async def _page(conn: Connection, query: TicketQuery, stored: plans.Stored | None, limit: int) -> TicketPage:
    """A page without badges. Going back, a list that starts within the page is shown from its start."""
    ids, capped = await _ids(conn, query, stored, limit + 1)
    if query.before and len(ids) < limit:
        query = query.first_page()
        ids, capped = await _ids(conn, query, stored, limit + 1)
    more = len(ids) > limit
    ids = ids[:limit]
    tagged = await tags.of_tickets(conn, ids)
    found = await repository.rows(conn, ids[::-1] if query.before else ids)
    rows = tuple(replace(row, tags=tagged.get(row.id, ())) for row in found)
    has_previous, has_next = (more, True) if query.before else (query.after is not None, more)
    return TicketPage(
        rows,
        previous=_cursor(query, rows[0]) if rows and has_previous else "",
        next=_cursor(query, rows[-1]) if rows and has_next else "",
        capped=capped,
    )


async def _ids(conn: Connection, query: TicketQuery, stored: plans.Stored | None, limit: int) -> tuple[list[int], int]:
    tag_id = (await tags.ids(conn, [query.tag])).get(query.tag) if query.tag else None
    if query.tag and tag_id is None:
        return [], 0
    plan = plans.plan(query, stored, tag_id)
    if plan is not None and access.is_limited():
        plan = replace(plan, conditions=(*plan.conditions, access.condition()))
    needles = needles_of(query.words)
    if plan is None or (query.words and not needles):
        return [], 0
    if needles:
        return await search.ids(conn, plan, needles, limit=limit)
    return await repository.page_ids(conn, plan, limit=limit), 0


def _cursor(query: TicketQuery, row: TicketRow) -> str:
    return str(rules.cursor_of(query, row))
