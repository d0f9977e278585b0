"""The wall before every view: what the numbers in an address name must be the viewer's to see.

Whatever a route does, a limited agent gets no further than this with the number of a ticket, file or contact that is
not theirs, and hears the same of one that does not exist. What comes in forms, bodies and query strings, and lists, is
for `app.tickets.access` where it is read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from quart import Quart, g, request
from quart.typing import ResponseReturnValue

from app.accounts.viewer import set_viewer
from app.contacts.errors import ContactNotFound
from app.database import Connection
from app.runtime import current
from app.tickets import access
from app.tickets.errors import TicketNotFound
from app.web.errors import error_response


async def _ticket(conn: Connection, number: int) -> None:
    if not await access.visible(conn, [number]):
        raise TicketNotFound(f"There is no ticket #{number}.")


async def _file(conn: Connection, number: int) -> None:
    if not await access.sees_file(conn, number):
        raise TicketNotFound(f"There is no file {number}, or it was never sent and is another agent's.")


async def _contact(conn: Connection, number: int) -> None:
    if not await access.sees_contact(conn, number):
        raise ContactNotFound(f"There is no contact {number}.")


KINDS: Mapping[str, Callable[[Connection, int], Awaitable[None]]] = {
    "ticket_id": _ticket,
    "attachment_id": _file,
    "contact_id": _contact,
}
"""What a part of an address is called → whose it must be. Routes name their parts like this, plugins' too."""


def install(app: Quart) -> None:
    """Stand before every view of `app`, behind login and CSRF."""
    app.before_request(_admit)
    app.register_error_handler(TicketNotFound, _not_found)
    app.register_error_handler(ContactNotFound, _not_found)


async def _admit() -> None:
    set_viewer(g.get("user"))
    if not access.is_limited():
        return
    named = {kind: number for kind, number in (request.view_args or {}).items() if kind in KINDS and number is not None}
    if named:
        async with current().database.connection() as conn:
            for kind, number in named.items():
                await KINDS[kind](conn, int(number))


async def _not_found(error: Exception) -> ResponseReturnValue:
    return await error_response(404, str(error))
