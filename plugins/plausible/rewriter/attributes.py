"""Attributes of one tag, and their values decoded and written back."""

import re
from dataclasses import dataclass
from html.entities import html5

from plugins.plausible.rewriter import grammar


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute as it stands in the document; all numbers are offsets into it.

    ``start`` is where the name begins, ``end`` is after the value and its quote.
    ``value_start:value_end`` is the value between its quotes, empty for an attribute
    without one; ``quote`` is ``""`` for a value without quotes.
    """

    name: str
    start: int
    end: int
    value_start: int
    value_end: int
    quote: str


def attributes(html: str, tag_start: int, tag_end: int) -> list[Attribute]:
    """The attributes of the tag at ``html[tag_start:tag_end]``, in order, the repeated ones too.

    Names are lower case. Of equal names the first one counts ("attribute name state").
    """
    name = grammar.TAG_NAME.match(html, tag_start, tag_end)
    if name is None:
        return []
    found = []
    for match in grammar.ATTRIBUTE.finditer(html, name.end(), tag_end):
        group = match.lastindex or 1
        span = match.span(group) if group > 1 else (match.end(), match.end())
        found.append(Attribute(match[1].lower(), *match.span(), *span, grammar.QUOTES.get(group, "")))
    return found


def first(found: list[Attribute], name: str) -> Attribute | None:
    """The attribute of that (lower-case) name that counts, or None."""
    return next((attribute for attribute in found if attribute.name == name), None)


_REFERENCE = re.compile(r"&(?:#[xX]([0-9a-fA-F]++);?+|#([0-9]++);?+|([a-zA-Z][a-zA-Z0-9]*+)(;?+)(=?))")
_LAST_CODE_POINT = 0x10FFFF
_REPLACEMENT = "\ufffd"


def decode(value: str) -> str:
    """The value of an attribute as a parser sees it: references resolved, NUL replaced.

    Source: "named character reference state" with its rule for attributes. A name without
    its semicolon stays as it is before "=" or an alphanumeric, so ``?a=1&reg=2`` keeps its
    parameter. ``html.unescape`` has only the rule for text and turns it into ``®=2``.
    """
    if "&" in value:
        value = _REFERENCE.sub(_resolve, value)
    return value.replace("\0", _REPLACEMENT) if "\0" in value else value


def _resolve(reference: re.Match[str]) -> str:
    hexadecimal, decimal, name, semicolon, equals = reference.groups()
    if name is not None:
        if semicolon:
            return html5[name + ";"] + equals if name + ";" in html5 else reference[0]
        return reference[0] if equals or name not in html5 else html5[name]
    digits = (hexadecimal or decimal).lstrip("0")
    # Longer numbers are out of range whatever they say, and int() refuses very long ones.
    if len(digits) > 7:
        return _REPLACEMENT
    return _character(int(digits or "0", 16 if hexadecimal else 10))


def _character(code: int) -> str:
    """ "Numeric character reference end state": 0x80-0x9F mean what windows-1252 says."""
    if code == 0 or code > _LAST_CODE_POINT or 0xD800 <= code <= 0xDFFF:
        return _REPLACEMENT
    if 0x80 <= code <= 0x9F:
        try:
            return bytes([code]).decode("cp1252")
        except UnicodeDecodeError:
            return chr(code)
    return chr(code)


_UNSAFE = {
    '"': re.compile('["<>]'),
    "'": re.compile("['<>]"),
    "": re.compile("[\"'<>`\t\n\f\r ]"),
}


def encode(value: str, quote: str) -> str:
    """Write a value so that it can stand between these quotes, or without any (``""``)."""
    value = value.replace("&", "&amp;")
    return _UNSAFE[quote].sub(lambda character: f"&#{ord(character[0])};", value)
