"""Takes what the module put into mails out of bodies that come back: inbound, quoted, forwarded, pasted. Pure.

A click link is known by its signature, whatever host it stands on: earlier ones too, as long as the key is known. One
whose signature does not hold stays, because nobody but us may say where it leads; a click on it ends at a page that
leads nowhere. A pixel is known by its path on our hosts, and by the mark in its id on others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cache
from html import unescape
from typing import Literal, NamedTuple
from urllib.parse import unquote

from app.services.email import CopyIds
from plugins.plausible.fast_path import click_parts, pixel_id
from plugins.plausible.links import CLICKS, OTHER_CLICKS, OTHER_PIXELS, PIXELS, PREFIX, TRAP, is_allowed, is_trap
from plugins.plausible.rewriter import destinations, first_known, restore, restore_text, sweep
from plugins.plausible.tokens import Signer

MOST_NESTED = 5
"""Mails that were tracked again after a change of host hold links in links; more layers than this are an attack."""
NOTHING_LEFT_HTML = "<p></p>"
NOTHING_LEFT_TEXT = "[…]"
"""What is left of a body that held nothing but our addresses: an empty one would look like a fault of ours."""


class Reading(NamedTuple):
    """What an address of ours is."""

    kind: Literal["link", "pixel", "trap"]
    destination: str | None = None
    """Of a link only."""


# Scheme and host may be missing: a body is shown on our own pages.
_ADDRESS = re.compile(r"(?:(?i:https?):)?(//[^/?#]*)?(/[^?#]*)(?:\?([^#]*))?")
_OURS = re.compile("|".join(re.escape(path) for path in (PREFIX, OTHER_PIXELS, OTHER_CLICKS)))


class Restoring:
    """Restores bodies of one portal.

    own_urls: what pixels and links are built on, scheme, host and port each.
    """

    def __init__(self, signer: Signer, ids: CopyIds, own_urls: Collection[str]) -> None:
        self._signer = signer
        self._ids = ids
        self._hosts = frozenset(origin.host for origin in destinations.origins(own_urls))

    def html(self, html: str) -> str | None:
        """The HTML without anything of ours; None where it holds nothing."""
        if not _may_hold_ours(html):
            return None
        look = _Look(self.read)
        found = restore(html, destination=look.destination, is_pixel=look.is_pixel, is_trap=look.is_trap)
        if _may_hold_ours(found):
            found = sweep(found, destination=look.destination, is_pixel=look.leaves_nothing)
        return (found if found.strip() else NOTHING_LEFT_HTML) if found != html else None

    def text(self, text: str) -> str | None:
        """The plain text without anything of ours; None where it holds nothing."""
        if not _may_hold_ours(text):
            return None
        look = _Look(self.read)
        found = restore_text(text, destination=look.destination, is_pixel=look.leaves_nothing)
        return (found if found.strip() else NOTHING_LEFT_TEXT) if found != text else None

    def read(self, url: str) -> Reading | None:
        """What of ours an address is, through links in links; None for any other."""
        parts = _parts(url)
        if parts is None:
            return None
        host, path, query = parts
        if path.startswith((PIXELS, OTHER_PIXELS)):
            ours = host is None or host in self._hosts or self._ids.is_marked(pixel_id(path))
            return Reading("pixel") if ours else None
        if path == TRAP:
            return Reading("trap") if host is None or host in self._hosts else None
        found, inner, layers = None, self._signed(path, query), 0
        while inner is not None and layers < MOST_NESTED:
            found, inner, layers = inner, first_known(inner, self._signed_url), layers + 1
        if found is None:
            return None
        return Reading("trap") if is_trap(found) else Reading("link", found)

    def _signed_url(self, url: str) -> str | None:
        parts = _parts(url)
        return self._signed(parts[1], parts[2]) if parts else None

    def _signed(self, path: str, query: str) -> str | None:
        if not path.startswith((CLICKS, OTHER_CLICKS)):
            return None
        tracking_id, target, signature = click_parts(path, query.encode("utf-8", "replace"))
        if not (tracking_id and target and signature):
            return None
        return target if self._signer.verify(tracking_id, target, signature) and is_allowed(target) else None


class _Look:
    """One look through one body: each address is read once, however often it is asked about."""

    def __init__(self, read: Callable[[str], Reading | None]) -> None:
        self._read = cache(read)

    def destination(self, url: str) -> str | None:
        found = self._read(url)
        return found.destination if found else None

    def is_pixel(self, url: str) -> bool:
        found = self._read(url)
        return found is not None and found.kind == "pixel"

    def is_trap(self, url: str) -> bool:
        found = self._read(url)
        return found is not None and found.kind == "trap"

    def leaves_nothing(self, url: str) -> bool:
        found = self._read(url)
        return found is not None and found.kind != "link"


def _parts(url: str) -> tuple[str | None, str, str] | None:
    """Host (None without one), path without its escapes, and query; None for what can be no address of ours."""
    match = _ADDRESS.match(url.replace("\\", "/"))
    if match is None or not _OURS.match(unquote(match[2])):
        return None
    authority, path, query = match.groups()
    host = None
    if authority is not None:
        address = destinations.parse(f"https:{authority}/")
        if address is None:
            return None
        host = address.origin.host
    return host, unquote(path), query or ""


def _may_hold_ours(body: str) -> bool:
    """Whether a closer look is worth its time: 8 ms for 500,000 characters, a tenth of what the look takes.

    Our paths all hold "track", as an address in any wrapper does, but line breaks and references may stand in between.
    A pixel that somebody forwards as an attachment has lost its address, and is known by its role.
    """
    if "&#" in body:
        body = unescape(body)
    flat = "".join(body.split()).replace("=", "").lower()
    return "track" in flat or ("cid:" in flat and "presentation" in flat)
