"""The addresses that tracked mails carry, and which destinations may stand in them. Pure."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

import idna

from plugins.plausible.rewriter import destinations
from plugins.plausible.tokens import Signer

PREFIX = "/api/email-tracking/"
PIXELS = f"{PREFIX}pixel"
CLICKS = f"{PREFIX}click"
OTHER_PIXELS = "/track/pixel/"
OTHER_CLICKS = "/track/click/"
"""The same endpoints as `/track/pixel/{id}/` and `/track/click/{id}/?url=&sig=`, for mails that were made elsewhere."""
LONGEST = 2048
"""Characters of a destination; `email_tracking_events.event_url` holds as many."""
TRACKING_ID = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


def is_allowed(url: str) -> bool:
    """Whether a click may lead there: an absolute http(s) address with a host, no login in it, nothing hidden.

    Checked before a link is signed and again before a click is followed.
    """
    if len(url) > LONGEST or CONTROL.search(url):
        return False
    address = destinations.parse(url)
    return address is not None and address.user is None


def location(url: str) -> str:
    """An allowed destination as a header carries it: ASCII, otherwise every character as it was.

    Names in other scripts become punycode (UTS 46, as browsers do it), other characters %-escapes of their UTF-8.
    """
    if url.isascii():
        return url.replace(" ", "%20")
    address = destinations.parse(url)
    if address is None:
        raise ValueError(f"not a web address: {url!r}")
    start = len(address.scheme) + len("://")
    end = start + len(address.host)
    return url[:start] + _ascii_host(address.host) + quote(url[end:], safe=_PRINTABLE)


def is_tracking_id(text: str) -> bool:
    """Whether this could be one of our ids; what could not is not worth a look into the database."""
    return TRACKING_ID.fullmatch(text) is not None


def link_mark(url: str) -> str:
    """A short name for a tracked destination: 16 hexadecimal digits, the same in every process and release.

    Source: BLAKE2b with 8 bytes, RFC 7693. It keeps links apart and hides nothing: who has the URL can compute it.
    """
    return hashlib.blake2b(url.encode(), digest_size=8).hexdigest()


class Links:
    """Builds the addresses of one portal.

    portal_url, tracking_url: scheme, host and port, without a slash at the end. New pixels and links stand under
    tracking_url, where there is one.
    """

    def __init__(self, portal_url: str, signer: Signer, *, tracking_url: str | None = None) -> None:
        self.portal_url = portal_url
        self.tracking_url = tracking_url or portal_url
        self._signer = signer
        paths = (PREFIX, OTHER_PIXELS, OTHER_CLICKS)
        self._ours = tuple(url + path for url in (self.tracking_url, portal_url) for path in paths)

    def pixel(self, tracking_id: str) -> str:
        """The address of one recipient's pixel."""
        return f"{self.tracking_url}{PIXELS}/{tracking_id}.gif"

    def click(self, tracking_id: str, url: str) -> str | None:
        """The tracked address of one recipient's link; None for a destination that a click may not lead to."""
        if not is_allowed(url):
            return None
        signature = self._signer.sign(tracking_id, url)
        return f"{self.tracking_url}{CLICKS}?tid={tracking_id}&url={quote(url, safe='')}&sig={signature}"

    def is_ours(self, url: str) -> bool:
        """Whether this already is an address of the tracking, on either host: older mails carry that of the portal."""
        return url.startswith(self._ours)


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        # Browsers read an escaped name like a written one, and judge it by their own rules.
        return quote(host, safe=_PRINTABLE)
