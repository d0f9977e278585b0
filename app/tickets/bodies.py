"""Messages as they are stored: cleaned or as they came, with their plain text and first words.

Modules take their pixels and links out of every one of them, here and nowhere else: what quotes, forwards and pasted
mails bring back must not be loaded or followed by an agent.
"""

from __future__ import annotations

from dataclasses import dataclass

from app import richtext
from app.email.errors import ContentTooLarge
from app.runtime import current
from app.tickets import rules
from app.tickets.errors import BodyTooLarge, TicketRefused, sentence


@dataclass(frozen=True)
class Body:
    """One message's content."""

    html: str
    text: str
    is_html: bool
    snippet: str


async def cleaned(html: str) -> tuple[str, str]:
    """What an agent wrote as it is stored, HTML and text, with nothing of a module's in it. Raises BodyTooLarge."""
    plugins = current().plugins
    try:
        # Cleaned first: modules then look through the very characters that are stored.
        kept = await plugins.restore_html(await richtext.clean_reply_async(rules.storable(html)))
        # The text joins what tags kept apart, an address with places to break it for one.
        return kept, await plugins.restore_text(await richtext.html_to_text_async(kept))
    except ContentTooLarge as error:
        raise BodyTooLarge({"body": sentence(error)}) from None


async def from_agent(html: str, *, signature: str = "") -> Body:
    """What an agent wrote, cleaned, with their signature below.

    Raises TicketRefused where nothing is left of it, BodyTooLarge with the numbers where it is too long.
    """
    kept, text = await cleaned(html)
    if is_empty(kept, text):
        raise TicketRefused({"body": "The message is empty; write something."})
    words = rules.snippet(text)
    below = await current().plugins.restore_text(signature.strip())
    if below:
        try:
            kept += f"<p>-- </p>{await richtext.text_to_html_async(below)}"
        except ContentTooLarge as error:
            raise BodyTooLarge({"body": sentence(error)}) from None
        text = f"{text.rstrip()}\n\n-- \n{below}"
    return Body(kept, text, is_html=True, snippet=words)


def is_empty(html: str, text: str) -> bool:
    """Whether cleaned HTML says nothing: no text and no image."""
    return not text.strip() and "<img" not in html


async def from_customer(html: str | None, text: str | None) -> Body:
    """What a customer wrote, as it came but for what modules put into mails: HTML is cleaned each time it is shown, by
    the rules of that day.

    Raises TicketRefused where neither is given, BodyTooLarge with the numbers where it is too long.
    """
    plugins = current().plugins
    try:
        if html is not None and html.strip():
            kept = await plugins.restore_html(rules.check_customer_body(html))
            plain = rules.storable(text) if text and text.strip() else await richtext.html_to_text_async(kept)
            plain = await plugins.restore_text(plain)
            return Body(kept, plain, is_html=True, snippet=rules.snippet(plain))
        kept = await plugins.restore_text(rules.check_customer_body(text or ""))
        made = await richtext.text_to_html_async(kept)
        return Body(made, kept, is_html=False, snippet=rules.snippet(kept))
    except ContentTooLarge as error:
        raise BodyTooLarge({"body": sentence(error)}) from None
