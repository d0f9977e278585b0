"""What holds for departments, without database or web."""

from __future__ import annotations

import unicodedata

from app.consent.rules import POLICIES
from app.departments.errors import DepartmentRefused
from app.email.addresses import check_email
from app.email.errors import AddressRefused

MAX_NAME = 100


def check(*, name: str, email: str, tracking: str) -> tuple[str, str, str]:
    """Name, address and tracking as they can be stored. Raises DepartmentRefused with each field that does not hold."""
    errors: dict[str, str] = {}
    name, email = " ".join(name.split(" ")).strip(), email.strip()
    if not name:
        errors["name"] = "The name is empty; write what to call this department."
    elif len(name) > MAX_NAME:
        errors["name"] = f"The name has {len(name)} characters, at most {MAX_NAME} fit; shorten it."
    elif any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in name):
        errors["name"] = "The name holds a line break or control character; remove it."
    if email:
        try:
            email = check_email(email)
        except AddressRefused as error:
            errors["email"] = f"{str(error)[:1].upper()}{str(error)[1:]}."
    if tracking not in POLICIES:
        errors["tracking"] = f"tracking must be one of {', '.join(POLICIES)}, got {tracking[:40]!r}."
    if errors:
        raise DepartmentRefused(errors)
    return name, email, tracking
