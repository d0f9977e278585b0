"""The people who write to us."""

from app.contacts.errors import ContactError, ContactNotFound, ContactRefused
from app.contacts.models import Contact, ContactPage, ContactRow
from app.contacts.service import (
    add_address,
    contact,
    find_or_create_contact,
    list_contacts,
    make_primary,
    of_address,
    remove_address,
    save,
    suggest,
)

__all__ = [
    "Contact",
    "ContactError",
    "ContactNotFound",
    "ContactPage",
    "ContactRefused",
    "ContactRow",
    "add_address",
    "contact",
    "find_or_create_contact",
    "list_contacts",
    "make_primary",
    "of_address",
    "remove_address",
    "save",
    "suggest",
]
