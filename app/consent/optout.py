"""What the opt-out page does: whose link it is, and keeping what they decide."""

from __future__ import annotations

from app.consent import repository, service
from app.consent.links import PATH, OptOutLinks
from app.consent.models import Reader
from app.contacts.service import find_or_create_contact
from app.database import Connection
from app.runtime import Runtime, current


def address(runtime: Runtime, recipient_id: int) -> str | None:
    """The opt-out page of one copy's recipient; None without PORTAL_URL."""
    portal_url = runtime.settings.portal_url
    if portal_url is None:
        return None
    return f"{portal_url}{PATH}/{OptOutLinks(runtime.settings.keys).token(recipient_id)}"


async def reader(recipient_id: int) -> Reader | None:
    """Whose page it is; None where their copy is gone. Changes nothing."""
    async with current().database.connection() as conn:
        return await repository.reader(conn, recipient_id)


async def decide(recipient_id: int, decision: str) -> bool:
    """Keep what the recipient of a copy decided; False where the copy is gone.

    Who is no contact yet becomes one, because the decision has to be kept somewhere.
    """

    async def work(conn: Connection) -> bool:
        found = await repository.reader(conn, recipient_id)
        if found is None:
            return False
        contact_id = await find_or_create_contact(conn, name=found.name, email=found.email)
        await service.keep(conn, contact_id, decision, source="page", user_id=None)
        return True

    return await current().database.run(work)
