"""Fetching one image of a message, and remembering whose images are shown without asking.

The sender learns the portal's address and that somebody at it looked, at a time; nothing of the agent, no cookie, no
referrer. Which address is fetched is read from the stored message: nobody can name another one.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urljoin

import httpx

from app.accounts.models import User
from app.images import repository
from app.images.reencoding import NoPicture, reencoded
from app.runtime import current
from app.services import outbound
from app.tickets import display, service
from app.tickets.models import Message

MAX_BYTES = 5_000_000
TIMEOUT = 6.0
"""Seconds for each step of one request."""
MOST_HOPS = 3
"""Redirects that are followed; each is checked like the first address."""
_AT_ONCE = asyncio.Semaphore(8)


class ImageRefused(Exception):
    """The image cannot be shown; in words."""


async def image(ticket_id: int, message_id: int, number: int) -> tuple[bytes, str]:
    """The n-th remote image of a message (from 0), made anew, and its content type.

    Raises TicketNotFound; ImageRefused with the reason.
    """
    message = await service.message(ticket_id, message_id)
    addresses = await asyncio.to_thread(display.remote_images, await body(message))
    if number >= len(addresses):
        raise ImageRefused(f"The message has {len(addresses)} remote images; there is no number {number}.")
    async with _AT_ONCE:
        data = await _fetch(addresses[number])
        try:
            return await asyncio.to_thread(reencoded, data)
        except NoPicture as error:
            raise ImageRefused(f"What came {error}.") from None


async def body(message: Message) -> str:
    """A message's HTML as it is shown. Restored again: it may have been stored while a module failed, or before one
    could read what a new gateway makes of links.
    """
    return await current().plugins.restore_html(message.body_html)


async def shows(message: Message, user: User) -> bool:
    """Whether the images of a message are shown without asking."""
    if not message.contact_email:
        return False
    async with current().database.connection() as conn:
        return await repository.is_shown(conn, user_id=user.id, email=message.contact_email)


async def show_always(message: Message, user: User, *, shown: bool) -> None:
    """Show a sender's images without asking from now on, or ask again."""
    if not message.contact_email:
        raise ImageRefused("The message has no sender to remember.")
    async with current().database.transaction() as conn:
        await repository.set_shown(conn, user_id=user.id, email=message.contact_email, shown=shown)


async def _fetch(address: str) -> bytes:
    async with outbound.client(timeout=TIMEOUT, max_bytes=MAX_BYTES, connections=1) as client:
        for _ in range(MOST_HOPS + 1):
            try:
                answer = await client.get(address, headers={"Accept": "image/png,image/jpeg,image/gif,image/webp"})
            except (httpx.HTTPError, ValueError) as error:
                raise ImageRefused(f"It was not fetched: {str(error) or type(error).__name__}.") from None
            if answer.is_redirect:
                address = display.secure(urljoin(address, answer.headers.get("location", "")))
                continue
            if answer.status_code != 200:
                raise ImageRefused(f"The server answered {answer.status_code}.")
            return answer.content
    raise ImageRefused(f"The server led on more than {MOST_HOPS} times.")
