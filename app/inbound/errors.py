"""Every reason for which a mail is not taken, or not read."""

from __future__ import annotations

from collections.abc import Mapping


class InboundError(ValueError):
    """What was asked cannot be done with this mail; the message says why and what to do."""


class MailRefused(InboundError):
    """The mail is not taken at all: it is empty, or larger than the portal takes."""


class MailTooLarge(MailRefused):
    """More bytes than INBOUND_MAX_MB."""


class Unreadable(InboundError):
    """The mail is kept, but not read; the message is shown to admins as the reason."""


class InboundNotFound(InboundError):
    """There is no such mail or mailbox."""


class MailboxRefused(InboundError):
    """Something that was given for a mailbox breaks a rule. fields: the form field → what is wrong with it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)
