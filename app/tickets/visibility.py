"""What `access` decides, for those who have no connection of their own: pages, live updates, modules."""

from __future__ import annotations

from collections.abc import Collection

from app.runtime import current
from app.tickets import access


async def visible(ticket_ids: Collection[int]) -> set[int]:
    """Those of these tickets that whoever looks may see."""
    if not ticket_ids:
        return set()
    async with current().database.connection() as conn:
        return await access.visible(conn, ticket_ids)


async def is_visible(ticket_id: int) -> bool:
    """Whether whoever looks may see a ticket; asks the database only about agents who are limited."""
    return not access.is_limited() or ticket_id in await visible([ticket_id])


async def who_sees(ticket_id: int, user_ids: Collection[int]) -> set[int]:
    """Those of these users who may see a ticket: whom to tell of it."""
    async with current().database.connection() as conn:
        return await access.who_sees(conn, ticket_id, user_ids)
