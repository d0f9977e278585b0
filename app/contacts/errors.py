"""Every reason for which a contact is not shown or changed, in one tree."""

from __future__ import annotations

from collections.abc import Mapping


class ContactError(ValueError):
    """What was asked cannot be done with this contact; the message says why and what to do."""


class ContactNotFound(ContactError):
    """There is no such contact."""


class ContactRefused(ContactError):
    """Something that was given breaks a rule.

    fields: the form field → what is wrong with it; the key "" is about the whole.
    owner_id: the contact who has the address already, where that is what is wrong.
    """

    def __init__(self, fields: Mapping[str, str], *, owner_id: int | None = None) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)
        self.owner_id = owner_id
