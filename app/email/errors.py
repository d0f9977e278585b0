"""Every reason for which the portal refuses to build or store an email, in one tree.

A refusal happens before anything is stored or sent. What goes wrong later, on the way to
the server, is an `Outcome` of `app.email.smtp`, not an exception.
"""

from collections.abc import Mapping

SHOWN_LENGTH = 80
"""How much of a refused value an error message repeats, in characters."""


class EmailRefused(ValueError):
    """The email cannot be sent as it was given; the message says why and what to do."""


class AddressRefused(EmailRefused):
    """An address, or a list of addresses, is not one we can put into an envelope."""


class HeaderRefused(EmailRefused):
    """A subject or another header would break the message or smuggle in a header."""


class AttachmentRefused(EmailRefused):
    """An attachment or inline image cannot be put into a message."""


class ContentTooLarge(EmailRefused):
    """A body is too long, too deeply nested or too slow to clean."""


class RecipientsSuppressed(EmailRefused):
    """Some addresses get no mail: it bounced, its reader complained, or somebody said so."""

    def __init__(self, words: Mapping[str, str]) -> None:
        super().__init__(" ".join(words.values()))
        self.words = dict(words)
        """Why, and the way out, by address as it was given."""


def shown(value: str) -> str:
    """Quote a refused value for an error message: one line, escaped, cut to SHOWN_LENGTH characters."""
    cut = value if len(value) <= SHOWN_LENGTH else value[: SHOWN_LENGTH - 1] + "…"
    return ascii(cut) if any(not char.isprintable() for char in cut) else f"'{cut}'"
