"""Takes what the module put into mails out of bodies that come back: inbound, quoted, forwarded, pasted. Pure.

A click link is known by its signature, whatever host it stands on: earlier ones too, as long as the key is known. One
whose signature does not hold stays, because nobody but us may say where it leads; a click on it ends at a page that
leads nowhere. A pixel is known by its path on our hosts, and by the mark in its id on others.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from html import unescape
from urllib.parse import unquote

from app.services.email import CopyIds
from plugins.plausible.fast_path import click_parts, pixel_id
from plugins.plausible.links import OTHER_PIXELS, PIXELS, TRAP, is_allowed
from plugins.plausible.rewriter import destinations, readable, restore, restore_text, sweep
from plugins.plausible.tokens import Signer

MOST_NESTED = 5
"""Mails that were tracked again after a change of host hold links in links; more layers than this are an attack."""
NOTHING_LEFT_HTML = "<p></p>"
NOTHING_LEFT_TEXT = "[…]"
"""What is left of a body that held nothing but our addresses: an empty one would look like a fault of ours."""

# Scheme and host may be missing: a body is shown on our own pages.
_ADDRESS = re.compile(r"(?:(?i:https?):)?(//[^/?#]*)?(/[^?#]*)(?:\?([^#]*))?")


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
        found = restore(html, destination=self.destination, is_pixel=self.is_pixel, is_trap=self.is_trap)
        if _may_hold_ours(found):
            found = sweep(found, destination=self.destination, is_pixel=self._leaves_nothing)
        return (found if found.strip() else NOTHING_LEFT_HTML) if found != html else None

    def text(self, text: str) -> str | None:
        """The plain text without anything of ours; None where it holds nothing."""
        if not _may_hold_ours(text):
            return None
        found = restore_text(text, destination=self.destination, is_pixel=self._leaves_nothing)
        return (found if found.strip() else NOTHING_LEFT_TEXT) if found != text else None

    def destination(self, url: str) -> str | None:
        """Where one of our click links leads, through links in links; None for any other address."""
        found: str | None = None
        for _ in range(MOST_NESTED):
            inner = next((one for layer in readable(url) if (one := self._signed(layer)) is not None), None)
            if inner is None:
                break
            found = url = inner
        return found

    def is_pixel(self, url: str) -> bool:
        """Whether an address is that of a pixel of ours."""
        parts = _parts(url)
        if parts is None:
            return False
        host, path, _ = parts
        if not path.startswith((PIXELS, OTHER_PIXELS)):
            return False
        return host is None or host in self._hosts or self._ids.is_marked(pixel_id(path))

    def is_trap(self, url: str) -> bool:
        """Whether an address is that of a hidden link, or of the page behind it."""
        target = self.destination(url) or url
        parts = _parts(target)
        if parts is None or parts[1] != TRAP:
            return False
        return target is not url or parts[0] is None or parts[0] in self._hosts

    def _leaves_nothing(self, url: str) -> bool:
        return self.is_pixel(url) or self.is_trap(url)

    def _signed(self, url: str) -> str | None:
        parts = _parts(url)
        if parts is None:
            return None
        tracking_id, target, signature = click_parts(parts[1], parts[2].encode("utf-8", "replace"))
        if not (tracking_id and target and signature):
            return None
        return target if self._signer.verify(tracking_id, target, signature) and is_allowed(target) else None


def _parts(url: str) -> tuple[str | None, str, str] | None:
    """Host (None without one), path without its escapes, and query; None for what can be no address of ours."""
    match = _ADDRESS.match(url.replace("\\", "/"))
    if match is None:
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
