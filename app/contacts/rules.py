"""What holds for contacts, without database or web."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from app import words
from app.contacts.errors import ContactRefused
from app.email.addresses import check_email
from app.email.errors import AddressRefused

MAX_NAME = 200
MAX_NOTES = 20_000
MAX_ADDRESSES = 50
MAX_WORDS = 2_000
"""Characters of the words that a contact is found by; each may take four bytes."""


def check_name(name: str) -> str:
    """The name without outer spaces; raises ContactRefused where it is empty, too long or holds a line break."""
    name = name.strip()
    if not name:
        raise ContactRefused({"name": "The name is empty; write what to call this person."})
    if len(name) > MAX_NAME:
        raise ContactRefused({"name": f"The name has {len(name)} characters, at most {MAX_NAME} fit; shorten it."})
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in name):
        raise ContactRefused({"name": "The name holds a line break or control character; remove it."})
    return name


def check_notes(notes: str) -> str:
    """The notes with plain line ends; raises ContactRefused where they are too long."""
    notes = "".join(char for char in notes.replace("\r\n", "\n") if char in "\n\t" or char.isprintable()).strip()
    if len(notes) > MAX_NOTES:
        raise ContactRefused(
            {"notes": f"The notes have {len(notes):,} characters, at most {MAX_NOTES:,} are kept; shorten them."}
        )
    return notes


def check_address(email: str) -> str:
    """The address as it is stored; raises ContactRefused in the words of the mail's own check."""
    try:
        return check_email(email.strip())
    except AddressRefused as error:
        reason = str(error)
        raise ContactRefused({"email": f"{reason[:1].upper()}{reason[1:]}."}) from None


def words_of(name: str, addresses: Iterable[str]) -> str:
    """What a contact is found by, as `words.document` writes it; cut after whole words."""
    document = words.document(words.words_of(name, *addresses))
    return document if len(document) <= MAX_WORDS else document[: document.rindex(" ", 0, MAX_WORDS) + 1]
