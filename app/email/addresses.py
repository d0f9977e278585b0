"""Email addresses as people type them, checked before they reach a header or an envelope.

The parser is our own and strict: `email.utils.parseaddr` answers alice for
'<alice@a>mallory@b' (CVE-2023-27043), and aiosmtplib quietly cuts what follows a '>'.
Anything that is not exactly one of the three shapes below is refused, never repaired:

    bob@example.org
    <bob@example.org>
    Bob Builder <bob@example.org>      (the name may stand in double quotes)
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import idna

from app.email.errors import AddressRefused, shown

MAX_LOCAL = 64
"""Characters before the @ (RFC 5321, 4.5.3.1.1)."""
MAX_ADDRESS = 254
"""Characters of a whole address (RFC 5321 path of 256 less its angle brackets)."""
MAX_NAME = 250
"""Characters of a display name."""
MAX_RECIPIENTS = 500
"""Recipients of one mail, To, Cc and Bcc together."""
MAX_LIST = 64_000
"""Characters of one typed list of addresses."""

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++)*+")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_BRACKETED = re.compile(r'\s*+(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<name>[^<>"]*+))\s*+<(?P<email>[^<>]*+)>\s*+')
_LINE_SEPARATORS = "\u2028\u2029"


@dataclass(frozen=True, slots=True)
class Address:
    """One checked address.

    name: the display name, any script, without controls; empty if none was given.
    email: ASCII, ready for a header or an envelope: the local part as it was typed
        (only its owner knows whether its case counts) and the domain in lower case,
        an international domain in its xn-- form.
    """

    name: str
    email: str

    def __str__(self) -> str:
        """Write the address as people read it, its name quoted if need be; `parse_address` reads it back."""
        if not self.name:
            return self.email
        if re.search(r'[()<>\[\]:;@\\,."]', self.name):
            escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}" <{self.email}>'
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who gets a mail: no address stands twice, and an address in To is not in Cc or Bcc as well."""

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]


def parse_address(text: str) -> Address:
    """Read one address in any of the three shapes above.

    Raises AddressRefused, naming the value and the rule, for anything else.
    """
    refuse_controls(text, "address")
    if len(text) > MAX_NAME + MAX_ADDRESS + 10:
        raise AddressRefused(f"address {shown(text)} has {len(text)} characters; write a shorter name and address")
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed is None:
        return Address("", check_email(text.strip()))
    quoted = bracketed["quoted"]
    name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bracketed["name"]
    return make_address(name, bracketed["email"].strip())


def make_address(name: str, email: str) -> Address:
    """Build an address from a display name and a bare address that are kept apart, as in the database.

    Raises AddressRefused like `parse_address`.
    """
    refuse_controls(name, "display name")
    if len(name) > MAX_NAME:
        raise AddressRefused(
            f"display name {shown(name)} has {len(name)} characters, at most {MAX_NAME} fit; shorten it"
        )
    return Address(" ".join(name.split()), check_email(email))


def parse_address_list(given: str | Sequence[str | Address] | None) -> list[Address]:
    """Read a typed list ("a@x, Bob <b@y>; c@z") or a sequence of single addresses, in order.

    A comma or semicolon inside quotes or angle brackets does not separate. Empty places
    are skipped, so a trailing comma is fine. Repeated addresses stay: see `unique_recipients`.
    Raises AddressRefused for the first address that is not one.
    """
    if given is None:
        return []
    if isinstance(given, str):
        if len(given) > MAX_LIST:
            raise AddressRefused(
                f"the list of addresses has {len(given)} characters, at most {MAX_LIST} fit; send several mails"
            )
        return [parse_address(part) for part in _split(given) if part.strip()]
    return [item if isinstance(item, Address) else parse_address(item) for item in given]


def unique_recipients(to: Iterable[Address], cc: Iterable[Address] = (), bcc: Iterable[Address] = ()) -> Recipients:
    """Keep each address once, in To rather than Cc, in Cc rather than Bcc, the first of equals.

    Two addresses are equal if their local parts are and their domains are but for case.
    Raises AddressRefused if nobody is left or there are more than MAX_RECIPIENTS.
    """
    seen: set[str] = set()

    def new(addresses: Iterable[Address]) -> Iterator[Address]:
        for address in addresses:
            if address.email not in seen:
                seen.add(address.email)
                yield address

    recipients = Recipients(tuple(new(to)), tuple(new(cc)), tuple(new(bcc)))
    if not seen:
        raise AddressRefused("the mail has no recipient; give at least one address in To, Cc or Bcc")
    if len(seen) > MAX_RECIPIENTS:
        raise AddressRefused(f"the mail has {len(seen)} recipients, at most {MAX_RECIPIENTS} fit; send several mails")
    return recipients


def check_email(email: str) -> str:
    """Check a bare address (no name, no brackets) and return it with its domain in ASCII lower case.

    Raises AddressRefused naming the rule (RFC 5321, 4.1.2; IDNA 2008 with the UTS 46 mapping).
    """
    refuse_controls(email, "address")
    local, at, domain = email.rpartition("@")
    if not at:
        raise AddressRefused(f"address {shown(email)} has no @; write a full address such as bob@example.org")
    if not local or not domain:
        side = "before" if not local else "after"
        raise AddressRefused(
            f"address {shown(email)} has nothing {side} the @; write a full address such as bob@example.org"
        )
    if len(local) > MAX_LOCAL:
        raise AddressRefused(
            f"address {shown(email)} has {len(local)} characters before the @, at most {MAX_LOCAL} fit"
        )
    if not local.isascii():
        raise AddressRefused(
            f"address {shown(email)} has letters outside ASCII before the @, which most mail servers refuse "
            "(SMTPUTF8); ask for an address in plain letters"
        )
    if _LOCAL.fullmatch(local) is None:
        raise AddressRefused(
            f"address {shown(email)} has spaces, quotes, brackets or misplaced dots before the @; "
            "write it as bob@example.org or Bob <bob@example.org>"
        )
    checked = f"{local}@{_check_domain(domain, email)}"
    if len(checked) > MAX_ADDRESS:
        raise AddressRefused(f"address {shown(email)} has {len(checked)} characters, at most {MAX_ADDRESS} are allowed")
    return checked


def refuse_controls(text: str, what: str) -> None:
    """Raise AddressRefused if text holds a line break, a NUL, another control or half a character.

    what: how the message calls the text, such as "address".
    """
    for position, char in enumerate(text):
        if char in _LINE_SEPARATORS or unicodedata.category(char) in ("Cc", "Cs"):
            raise AddressRefused(
                f"{what} {shown(text)} holds a line break or control character (U+{ord(char):04X}) "
                f"at position {position + 1}; remove it"
            )


def _check_domain(domain: str, email: str) -> str:
    if len(domain) > MAX_ADDRESS:
        raise AddressRefused(f"address {shown(email)} has a domain of {len(domain)} characters; it is too long")
    if domain.startswith("["):
        raise AddressRefused(
            f"address {shown(email)} names a host by number; write its domain name, as in bob@example.org"
        )
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
        except idna.IDNAError as error:
            raise AddressRefused(
                f"address {shown(email)} has an international domain that is not allowed ({error}); check its spelling"
            ) from error
    if not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise AddressRefused(
            f"the domain of address {shown(email)} may hold letters, digits and inner hyphens, "
            "in parts of 1 to 63 characters joined by single dots; check its spelling"
        )
    return domain.lower()


def _split(text: str) -> Iterator[str]:
    """Cut a typed list at commas and semicolons outside quotes and angle brackets; linear."""
    start = 0
    quoted = bracketed = escaped = False
    for position, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"' and not bracketed:
            quoted = not quoted
        elif not quoted and char in "<>":
            bracketed = char == "<"
        elif char in ",;" and not quoted and not bracketed:
            yield text[start:position]
            start = position + 1
    yield text[start:]
