"""Whether tickets have a page for their customers: one switch of the whole portal."""

from __future__ import annotations

from app import audit
from app.accounts.models import User
from app.customer import repository
from app.customer.links import PATH, TicketLinks
from app.database import Connection
from app.runtime import Runtime, current

NAME = "customer_page"


async def is_on(conn: Connection) -> bool:
    """Whether replies carry the link, and the page opens."""
    return await repository.setting(conn, NAME) == "1"


async def turn(on: bool, *, by: User | None) -> None:
    """Switch the page on or off; the audit log says who did. by: None where the demo does."""

    async def work(conn: Connection) -> None:
        if await is_on(conn) == on:
            return
        await repository.set_setting(conn, NAME, "1" if on else "0")
        action = "customer_page.enable" if on else "customer_page.disable"
        await audit.record(conn, user_id=by.id if by else None, action=action, subject="customer_page:portal")

    await current().database.run(work)


async def address(runtime: Runtime, recipient_id: int) -> str | None:
    """The page of the ticket for one copy's recipient; None while it is off, and without PORTAL_URL.

    Raises DatabaseUnavailable.
    """
    portal_url = runtime.settings.portal_url
    if portal_url is None:
        return None
    async with runtime.database.connection() as conn:
        on = await is_on(conn)
    return f"{portal_url}{PATH}/{TicketLinks(runtime.settings.keys).token(recipient_id)}" if on else None
