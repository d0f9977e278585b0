"""A list of tickets as a CSV file, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from app.spreadsheets import MARK, lines
from app.tickets import listing, rules
from app.tickets.listing_models import TicketPage, TicketRow
from app.tickets.listing_rules import TicketQuery, parse

PAGE = 200
MOST = 100_000
"""Tickets in one file; a line at its end says that there are more."""
COLUMNS = (
    "Number", "Subject", "Status", "Priority", "Contact", "Address", "Assignee", "Department", "Tags", "Opened (UTC)",
    "Last activity (UTC)", "Last reply", "Last read (UTC)", "Waits for us", "Due (UTC)", "Snoozed until (UTC)",
)  # fmt: skip


async def first_page(query: TicketQuery) -> TicketPage:
    """The first page of the file. Raises SearchTooBroad, before anything of the file has left."""
    return await listing.list_tickets(query.first_page(), limit=PAGE)


async def csv_file(query: TicketQuery, page: TicketPage) -> AsyncIterator[bytes]:
    """The whole list in pieces, from its first page on."""
    yield MARK + lines([COLUMNS])
    count = 0
    while True:
        count += len(page.rows)
        yield lines(_row(row) for row in page.rows)
        if not page.next:
            return
        if count >= MOST:
            yield lines([(f"There are more than {MOST:,} tickets; narrow the list to get the others.",)])
            return
        after = parse({**query.first_page().arguments(), "after": page.next}, user_id=query.user_id)
        page = await listing.list_tickets(replace(after, contact_id=query.contact_id), limit=PAGE)


def _row(row: TicketRow) -> tuple[object, ...]:
    def moment(at: object) -> str:
        return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else ""

    return (
        row.id,
        row.subject,
        rules.STATUSES[row.status],
        rules.PRIORITIES[row.priority],
        row.contact_name,
        row.contact_email,
        row.assignee_name,
        row.department_name,
        ", ".join(row.tags),
        moment(row.created_at),
        moment(row.last_activity_at),
        row.badge.word if row.badge else "",
        moment(row.last_read_at),
        row.waiting,
        moment(row.due_at),
        moment(row.snoozed_until),
    )
