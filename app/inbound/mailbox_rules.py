"""What holds for mailboxes, without database or web."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from app.email.addresses import check_email
from app.email.errors import AddressRefused
from app.inbound.errors import MailboxRefused
from app.inbound.mailbox_models import SECURITY

MAX_SIGNATURE = 2_000
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:]{2,39}")


@dataclass(frozen=True)
class Form:
    """What an admin gives, as it was typed. password: '' keeps the one that is stored."""

    address: str = ""
    department: str = ""
    signature: str = ""
    fetches: bool = False
    host: str = ""
    port: str = "993"
    security: str = "tls"
    username: str = ""
    folder: str = "INBOX"
    password: str = field(default="", repr=False)


def check(given: Form, *, has_password: bool) -> dict[str, Any]:
    """The columns of a mailbox but its password. Raises MailboxRefused with each field that does not hold."""
    errors: dict[str, str] = {}
    address = given.address.strip()
    try:
        address = check_email(address)
    except AddressRefused as error:
        errors["address"] = f"{str(error)[:1].upper()}{str(error)[1:]}."
    host, username, folder = given.host.strip().lower(), given.username.strip(), given.folder.strip() or "INBOX"
    port = int(given.port) if given.port.strip().isascii() and given.port.strip().isdigit() else 0
    department = given.department.strip()
    if department and not (department.isascii() and department.isdigit() and len(department) <= 9):
        errors["department"] = f"The department must be one of the list, got {department[:40]!r}."
    if given.security not in SECURITY:
        errors["security"] = f"security must be one of {', '.join(SECURITY)}, got {given.security[:40]!r}."
    if not 1 <= port <= 65535:
        errors["port"] = f"The port must be a number from 1 to 65535, got {given.port[:40]!r}."
    if len(given.signature) > MAX_SIGNATURE:
        errors["signature"] = f"The signature has {len(given.signature)} characters, at most {MAX_SIGNATURE} fit."
    for name, value, most in (("username", username, 254), ("folder", folder, 200), ("password", given.password, 500)):
        if len(value) > most or any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
            errors[name] = f"The {name} holds a control character or more than {most} characters."
    if host and not _HOST.fullmatch(host):
        errors["host"] = f"The server must be a host name such as imap.example.com, got {host[:60]!r}."
    if given.fetches:
        if not host:
            errors["host"] = "The server is empty; write the name of the IMAP server."
        if not username:
            errors["username"] = "The user name is empty; write the login at the IMAP server."
        if not given.password and not has_password:
            errors["password"] = "The password is empty; write the one of this login."  # noqa: S105
    if errors:
        raise MailboxRefused(errors)
    return {
        "address": address,
        "department_id": int(department) if department else None,
        "signature": given.signature.strip(),
        "fetches": given.fetches,
        "host": host,
        "port": port,
        "security": given.security,
        "username": username,
        "folder": folder,
    }
