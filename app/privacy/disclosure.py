"""The text for a privacy policy, made from the settings in force."""

from __future__ import annotations

from dataclasses import dataclass

from app.customer import switch
from app.hookspecs import Paragraph
from app.runtime import current

OWN = (
    Paragraph(
        "Messages to our support",
        "When you write to us, we store your message with its attachments, your name, your mail addresses and what we "
        "answer, so that we can help you and look up later what was said. We may add notes of our own. This is kept "
        "until you ask us to erase it, or until we delete it because it is not needed any more.",
    ),
    Paragraph(
        "What you can ask for",
        "You can ask us for a copy of everything that is stored about you, and to erase it. Write to us from the "
        "address that we know.",
    ),
)
PAGE = Paragraph(
    "Your conversation on the web",
    "Our answers carry a link to a page on which you can read the conversation and answer. It asks for your email "
    "address and sets a cookie that ends after 12 hours at most, so that the page stays open for you. We keep when you "
    "first and last read an answer there, unless you turned tracking off.",
)


@dataclass(frozen=True)
class Disclosure:
    """The text. silent: modules that could not tell of themselves, so that the text may lack something."""

    paragraphs: tuple[Paragraph, ...]
    silent: tuple[str, ...]

    @property
    def text(self) -> str:
        """As plain text: a title a line, its paragraph under it."""
        return "\n\n".join(f"{one.title}\n{one.text}" for one in self.paragraphs) + "\n"


async def disclosure() -> Disclosure:
    """What the portal and its modules do with people's data now."""
    told, silent = await current().plugins.privacy_disclosure()
    async with current().database.connection() as conn:
        page = (PAGE,) if await switch.is_on(conn) else ()
    first, last = OWN
    return Disclosure((first, *page, *told, last), tuple(silent))
