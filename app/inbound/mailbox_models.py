"""A mailbox: an address under which the portal gets mail, and where it fetches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

SECURITY = {"tls": "TLS from the start (port 993)", "starttls": "STARTTLS (port 143)", "none": "None"}


@dataclass(frozen=True)
class Mailbox:
    """One mailbox. password: encrypted; '' where none is stored."""

    id: int
    address: str
    department_id: int | None
    department_name: str | None
    signature: str
    fetches: bool
    """Whether the worker fetches from an IMAP server; else mail comes by pipe or LMTP."""
    host: str
    port: int
    security: str
    username: str
    password: str = field(repr=False)
    folder: str
    uid_validity: int
    last_uid: int
    last_look_at: datetime | None
    last_mail_at: datetime | None
    last_error: str
    last_error_at: datetime | None


@dataclass(frozen=True)
class ImapPlace:
    """Where and how to log in; the password in the clear."""

    host: str
    port: int
    security: str
    username: str
    password: str = field(repr=False)
    folder: str
