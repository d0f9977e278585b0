"""What a link points to: the clean-up that a browser does first, and whose origin it is.

Source: URL Standard, section 4.4 "URL parsing" (https://url.spec.whatwg.org/#url-parsing).
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import unquote

# C0 controls and space are stripped at both ends, TAB, LF and CR deleted everywhere.
_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_DELETED = str.maketrans("", "", "\t\n\r")
_SURROGATE = re.compile("[\ud800-\udfff]")

# Groups: scheme, user information, host, port. A backslash ends the authority as a slash
# does. What parsers repair ("http:/x", "https:\\x", "https:///x") is not matched, nor are
# the "forbidden host code points"; U+FFFD is what a NUL has become, and no host has one.
_WEB_ADDRESS = re.compile(
    r"([hH][tT][tT][pP][sS]?)://(?:([^/?#\\]*)@)?"
    r"(\[[0-9a-fA-F:.]+\]|[^/?#\\:@\[\]\0-\x20<>^|\x7f\ufffd]+)(?::([0-9]*))?(?![^/?#\\])"
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65535
# RFC 1035, 2.3.4. The idna codec takes quadratic time, so longer names never reach it.
_LONGEST_HOST = 255


class Origin(NamedTuple):
    """Scheme, host and port in one spelling: lower case, punycode, no final dot, port given."""

    scheme: str
    host: str
    port: int


class WebAddress(NamedTuple):
    """The parts of an absolute http or https URL that decide about it, as written."""

    scheme: str
    user: str | None
    host: str
    port: str | None

    @property
    def has_credentials(self) -> bool:
        """Whether a password stands in it; ``https://name@host/`` has none."""
        return self.user is not None and ":" in self.user

    @property
    def origin(self) -> Origin:
        scheme = self.scheme.lower()
        host = unquote(self.host) if "%" in self.host else self.host
        if not host.isascii() and len(host) <= _LONGEST_HOST:
            with suppress(UnicodeError):
                host = host.encode("idna").decode("ascii")
        port = _number(self.port) if self.port else _DEFAULT_PORTS[scheme]
        return Origin(scheme, host.lower().rstrip("."), port)


def clean(url: str) -> str:
    """The URL as its parser reads it: ends stripped, TAB, CR and LF deleted, only scalar values."""
    url = url.strip(_C0_AND_SPACE)
    if "\n" in url or "\t" in url or "\r" in url:
        url = url.translate(_DELETED)
    # A lone surrogate cannot be sent; browsers make U+FFFD of it too.
    return url if url.isascii() else _SURROGATE.sub("\ufffd", url)


def parse(url: str) -> WebAddress | None:
    """Read a cleaned URL, or give None if a click on it would not lead to a web address.

    None for other schemes, relative and scheme-relative URLs, and for hosts and ports that
    no URL parser accepts.
    """
    match = _WEB_ADDRESS.match(url)
    if match is None:
        return None
    scheme, user, host, port = match.groups()
    if port and _number(port) > _LAST_PORT:
        return None
    return WebAddress(scheme, user, host, port)


def _number(port: str) -> int:
    """The port as a number; int() alone refuses thousands of leading zeros."""
    digits = port.lstrip("0")[:6]
    return int(digits) if digits else 0


def origins(urls: Iterable[str]) -> frozenset[Origin]:
    """The origins of our own base URLs.

    Raises ValueError for a URL without http(s) scheme and host, because a misspelt own
    address would quietly let login and reset links be tracked.
    """
    found = set()
    for url in urls:
        address = parse(clean(url))
        if address is None:
            raise ValueError(f"own URLs must be absolute, like https://portal.example.com; got {url!r}")
        found.add(address.origin)
    return frozenset(found)
