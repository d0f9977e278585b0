"""A mail's body and files as a message takes them."""

from __future__ import annotations

from app.inbound.models import ParsedMail
from app.tickets import bodies, files, rules
from app.tickets.bodies import Body
from app.tickets.errors import BodyTooLarge
from app.tickets.files import Upload

NO_TEXT = "(This mail has no text.)"
NO_SUBJECT = "(no subject)"


async def body_of(mail: ParsedMail) -> tuple[Body, tuple[str, ...]]:
    """The body, and what of it could not be kept: of HTML that is too long its text, of text the beginning."""
    html, text = mail.html, mail.text
    notes: tuple[str, ...] = ()
    if html:
        try:
            return await bodies.from_customer(html, text), notes
        except BodyTooLarge:
            notes = ("The HTML of this mail is too long or too tangled; this is its text. It is in the original.",)
            text = text or _placeholder(html)
    text = text if text and text.strip() else NO_TEXT
    if len(text) > rules.MAX_CUSTOMER_BODY:
        text = text[: rules.MAX_CUSTOMER_BODY]
        notes = (*notes, "The text of this mail is too long; this is its beginning. The rest is in the original.")
    return await bodies.from_customer(None, text), notes


def _placeholder(html: str) -> str:
    """What can be said of HTML that nothing can parse in time: nothing; the original has it."""
    return f"(The HTML of this mail, {len(html):,} characters, is in the original only.)"


def files_of(mail: ParsedMail) -> tuple[list[tuple[Upload, str]], tuple[str, ...]]:
    """The files that are kept, and sentences about those that are not: they are in the original."""
    kept: list[tuple[Upload, str]] = []
    notes: list[str] = []
    together = 0
    for one in mail.files:
        name = files.clean_filename(one.filename)
        if len(one.content) > files.MAX_FILE or together + len(one.content) > files.MAX_FILES_TOGETHER:
            size = f"{len(one.content) / files.MB:.1f} MB"
            notes.append(f"{name} ({size}) is too large to be kept as a file; it is in the original.")
            continue
        together += len(one.content)
        kept.append((Upload(one.filename, one.content_type, one.content), one.content_id[:100]))
    return kept, tuple(notes)


def subject_of(mail: ParsedMail) -> str:
    """The subject as a ticket takes it."""
    return mail.subject.strip()[: rules.MAX_SUBJECT].strip() or NO_SUBJECT
