"""Messages as they are stored: cleaned or as they came, with their plain text and first words."""

from __future__ import annotations

from dataclasses import dataclass

from app import richtext
from app.email.errors import ContentTooLarge
from app.tickets import rules
from app.tickets.errors import BodyTooLarge, TicketRefused, sentence


@dataclass(frozen=True)
class Body:
    """One message's content."""

    html: str
    text: str
    is_html: bool
    snippet: str


async def from_agent(html: str, *, signature: str = "") -> Body:
    """What an agent wrote, cleaned, with their signature below.

    Raises TicketRefused where nothing is left of it, BodyTooLarge with the numbers where it is too long.
    """
    try:
        cleaned = await richtext.clean_reply_async(rules.storable(html))
        text = await richtext.html_to_text_async(cleaned)
        lines = await richtext.text_to_html_async(signature.strip()) if signature.strip() else ""
    except ContentTooLarge as error:
        raise BodyTooLarge({"body": sentence(error)}) from None
    if not text.strip() and "<img" not in cleaned:
        raise TicketRefused({"body": "The message is empty; write something."})
    words = rules.snippet(text)
    if lines:
        cleaned += f"<p>-- </p>{lines}"
        text = f"{text.rstrip()}\n\n-- \n{signature.strip()}"
    return Body(cleaned, text, is_html=True, snippet=words)


async def from_customer(html: str | None, text: str | None) -> Body:
    """What a customer wrote, as it came: HTML is cleaned each time it is shown, by the rules of that day.

    Raises TicketRefused where neither is given, BodyTooLarge with the numbers where it is too long.
    """
    try:
        if html is not None and html.strip():
            kept = rules.check_customer_body(html)
            plain = rules.storable(text) if text and text.strip() else await richtext.html_to_text_async(kept)
            return Body(kept, plain, is_html=True, snippet=rules.snippet(plain))
        kept = rules.check_customer_body(text or "")
        made = await richtext.text_to_html_async(kept)
        return Body(made, kept, is_html=False, snippet=rules.snippet(kept))
    except ContentTooLarge as error:
        raise BodyTooLarge({"body": sentence(error)}) from None
