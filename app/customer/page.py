"""What the page of a ticket shows its customer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from app.customer import service
from app.customer.models import Sight, Stretch
from app.email.building import OWN_IMAGE
from app.tickets import display
from app.tickets.models import AttachmentInfo, Message
from app.web.formats import size

WORDS = {"open": "With us", "pending": "Waiting for your answer", "closed": "Closed"}
"""What a ticket's status means to its customer."""


@dataclass(frozen=True)
class Card:
    """One message as the page shows it."""

    id: int
    at: datetime
    kind: str
    """'agent' or 'customer', as the macro `message` calls them."""
    name: str
    html: Markup | None
    """None where the message is shown in a frame of its own."""
    frame_height: int
    files: Sequence[Mapping[str, str]]


async def context(sight: Sight, stretch: Stretch, *, base: str) -> dict[str, Any]:
    """What templates/customer/show.html needs to show messages. base: the page's own path."""
    bodies = await asyncio.to_thread(lambda: {one.id: _body(one, base) for one in stretch.messages})
    place = sight.place
    return {
        "base": base,
        "subject": place.subject,
        "status": place.status,
        "status_word": WORDS[place.status],
        "cards": [_card(one, bodies[one.id], stretch.files[one.id], base) for one in stretch.messages],
        "first_id": stretch.messages[0].id if stretch.messages else None,
        "earlier": stretch.earlier,
        "recorded": await service.is_recorded(sight),
        "sandbox": display.SANDBOX,
    }


def own_images(html: str, base: str) -> str:
    """Cleaned HTML whose pasted images come through the page itself: the agents' addresses need a login."""
    # A plain text: of Markup, `sub` would escape the pieces that it joins.
    return OWN_IMAGE.sub(rf"\g<1>{base}/images/\g<2>\g<3>", str(html))


def _body(message: Message, base: str) -> Markup | None:
    if message.kind == "customer" and message.is_html:
        return None
    shown = display.reply_html(message.body_html) if message.is_html else display.text_html(message.body_html)
    return Markup(own_images(shown, base))  # noqa: S704


def _card(message: Message, html: Markup | None, files: Sequence[AttachmentInfo], base: str) -> Card:
    is_customer = message.kind == "customer"
    return Card(
        id=message.id,
        at=message.created_at,
        kind="customer" if is_customer else "agent",
        name=(message.contact_name if is_customer else message.author_name) or "Somebody who left",
        html=html,
        frame_height=display.frame_height(message.body_text),
        files=[{"name": one.filename, "href": f"{base}/files/{one.id}", "size": size(one.size)} for one in files],
    )
