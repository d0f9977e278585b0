"""Delivery status notifications: RFC 3464, and RFC 6533 for addresses beyond ASCII. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from plugins.delivery.bounces.found import Fate, Told, failed, one_line

TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
MOST_BLOCKS = 200
MOST_BYTES = 200_000
"""Of the part that are read."""
_FIELD = re.compile(r"([!-9;-~]{1,80})[ \t]*:(.*)", re.DOTALL)
_UTF8_ESCAPE = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_SUCCESS: Mapping[str, Fate] = {"delivered": "delivered", "relayed": "sent", "expanded": "sent"}


def read(content: bytes) -> list[Told]:
    """What a report's machine-readable part tells, recipient by recipient."""
    told: list[Told] = []
    for block in blocks(content):
        if "final-recipient" in block or "original-recipient" in block:
            found = _told(block)
            if found is not None:
                told.append(found)
    return told


def blocks(content: bytes) -> Iterator[dict[str, str]]:
    """Fields by their names in lower case, block by block; of a field that comes twice the first."""
    text = content[:MOST_BYTES].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for number, block in enumerate(re.split(r"\n[ \t]*\n+", text.strip("\n"))):
        if number == MOST_BLOCKS:
            return
        fields: dict[str, str] = {}
        for line in re.sub(r"\n[ \t]+", " ", block).split("\n"):
            found = _FIELD.match(line)
            if found is not None:
                fields.setdefault(found[1].lower(), found[2].strip())
        yield fields


def address_of(value: str) -> str:
    """The address of "rfc822; bob@example.org", "utf-8; bøb@example.org" or "<bob@example.org>"; '' for none."""
    kind, is_typed, text = value.partition(";")
    if not is_typed:
        kind, text = "", value
    text = text.strip().strip("<>").strip()
    if kind.strip().lower().startswith("utf-8"):
        text = _UTF8_ESCAPE.sub(lambda found: _char(found[1]), text)
    elif "+40" in text and "@" not in text:
        # xtext (RFC 3461, section 4), which some leave as it came.
        text = re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)
    return text if "@" in text and len(text) <= 320 and not re.search(r"[\s<>]", text) else ""


def _told(block: Mapping[str, str]) -> Told | None:
    final = address_of(block.get("final-recipient", ""))
    address = address_of(block.get("original-recipient", "")) or final
    other = final if final.lower() != address.lower() else ""
    action = block.get("action", "").partition(" ")[0].lower()
    status = block.get("status", "")
    _, is_typed, said = block.get("diagnostic-code", "").partition(";")
    words = one_line(said if is_typed else block.get("diagnostic-code", ""))
    if action in _SUCCESS:
        return Told(_SUCCESS[action], address=address, other=other, code=status[:40], words=words)
    if action == "delayed":
        return Told("deferred", address=address, other=other, code=status[:40], words=words)
    if action == "failed" or (not action and status[:1] in {"4", "5"}):
        return failed(status, address=address, other=other, words=words)
    return None


def _char(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if 0x20 < number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"
