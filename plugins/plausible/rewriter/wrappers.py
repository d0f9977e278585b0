"""Addresses that mail systems wrap around the links and images of mails passing through.

A tracked link or a pixel that comes back in a quoted reply may be inside one or more of
them. Only wrappers that spell the inner address out are read; opaque ones (Mimecast's,
Yahoo's older proxy) are not guessed at.
"""

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from urllib.parse import unquote

# Systems in a chain each wrap what the one before made; more layers than this are an attack.
_MOST_LAYERS = 5

_HOST = r"(?ai)https?://(?:[a-z0-9-]+\.)*"

# Each gives the inner address, percent-encoded, as group 1.
_IN_PARAMETER = [
    re.compile(pattern)
    for pattern in (
        # Microsoft Defender for Office 365, "Safe Links".
        _HOST + r"safelinks\.protection\.(?:outlook\.com|office365\.us)/[^?#]*\?(?:[^#]*?&)??url=([^&#]+)",
        # Gmail on the web, and copies made from it.
        _HOST + r"google\.[a-z.]+/url\?(?:[^#]*?&)??(?:q|url)=([^&#]+)",
        # Yahoo's image proxy.
        _HOST + r"yusercontent\.com/mail\?(?:[^#]*?&)??url=([^&#]+)",
        # Barracuda link protection.
        _HOST + r"cudasvc\.com/url\?(?:[^#]*?&)??a=([^&#]+)",
        # Cisco Secure Email: .../<signature>/<address>
        r"(?ai)https?://secure-web\.cisco\.com/[^/?#]+/(https?%3a[^?#]+)",
        # Proofpoint URL Defense, first version.
        r"(?ai)https?://urldefense\.proofpoint\.com/v1/url\?(?:[^#]*?&)??u=([^&#]+)",
    )
]
# Gmail's image proxy names the original behind the "#", as it is.
_GMAIL_IMAGE = re.compile(_HOST + r"googleusercontent\.com/[^#]*#(.+)")
_PROOFPOINT_2 = re.compile(r"(?ai)https?://urldefense\.proofpoint\.com/v2/url\?(?:[^#]*?&)??u=([^&#]+)")
_PROOFPOINT_3 = re.compile(r"(?ai)https?://urldefense\.(?:com|us)/v3/__(.+?)__;([a-z0-9_-]*+)!")
# Whether a closer look is worth its time: a mail has many links, and hardly one of them is wrapped.
_MAY_WRAP = re.compile("(?ai)safelinks|google|yusercontent|cudasvc|secure-web|urldefense")
_DASH_TO_PERCENT = str.maketrans("-_", "%/")
_RUN_LENGTHS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_STAR = re.compile(r"\*(?:\*(.))?")
_SINGLE_SLASH = re.compile(r"(?i)([a-z0-9+.-]+:/)(?=[^/])")


def layers(url: str) -> Iterator[str]:
    """The address itself, then what is inside it, and inside that, while it can be read."""
    yield url
    for _ in range(_MOST_LAYERS):
        inner = _inner(url)
        if inner is None:
            return
        url = inner
        yield url


def _inner(url: str) -> str | None:
    if not _MAY_WRAP.search(url):
        return None
    for pattern in _IN_PARAMETER:
        if match := pattern.match(url):
            return unquote(match[1])
    if match := _GMAIL_IMAGE.match(url):
        return match[1]
    if match := _PROOFPOINT_2.match(url):
        return unquote(match[1].translate(_DASH_TO_PERCENT))
    if match := _PROOFPOINT_3.match(url):
        return _proofpoint_3(match[1], match[2])
    return None


def _proofpoint_3(masked: str, encoded: str) -> str | None:
    """Put the characters back that version 3 replaced with "*", or with "**" and a run's length.

    Source: Proofpoint's published URL decoder (urldecoder.py).
    """
    try:
        characters = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    position = 0

    def put_back(star: re.Match[str]) -> str:
        nonlocal position
        length = _RUN_LENGTHS.find(star[1]) + 2 if star[1] else 1
        position += length
        return characters[position - length : position]

    # Servers that merge slashes turn "https://" into "https:/" on the way.
    return _STAR.sub(put_back, _SINGLE_SLASH.sub(r"\1/", masked, count=1))
