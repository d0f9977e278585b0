"""Take our pixels and tracking links out of mail that comes back, as quotes and forwards do."""

import re
from collections.abc import Callable, Iterator

from plugins.plausible.rewriter import grammar
from plugins.plausible.rewriter.attributes import Attribute, attributes, decode, encode, first
from plugins.plausible.rewriter.destinations import clean
from plugins.plausible.rewriter.plain_text import first_known, readable
from plugins.plausible.rewriter.rewriting import Destination
from plugins.plausible.rewriter.scanner import Scan
from plugins.plausible.rewriter.splicing import Edit, splice

# Beside href, where mail programs keep an address that they have replaced: Outlook on the
# web, Gmail. A tracking address left in them would be clicked in its place.
_LINK_ADDRESSES = {"href", "originalsrc", "data-saferedirecturl"}
# o:href is where Word keeps the address of an image that it has fetched and attached.
_IMAGE_ADDRESSES = {"src", "originalsrc", "o:href"}

# A link's text up to the first tag that is more than a place to break a line: Gmail puts <wbr> into long addresses.
_TEXT = re.compile(r"(?:[^<]++|<[wW][bB][rR][\t\n\f\r ]*+/?+>)*+")
_WBR = re.compile(r"<[wW][bB][rR][^>]*+>")
# What may stand in a hidden link that comes back: nothing that anybody sees.
_END_OF_EMPTY_LINK = re.compile(r"(?:[\s\u200b-\u200d\u2060\ufeff]++|&nbsp;|&#160;|&#[xX][aA]0;)*+</[aA][\t\n\f\r ]*+>")
_SOFT_BREAK = re.compile(r"=\r?\n")
_WHITE_SPACE = re.compile(r"\s+")


def restore(
    html: str,
    *,
    destination: Callable[[str], str | None],
    is_pixel: Callable[[str], bool],
    is_trap: Callable[[str], bool] | None = None,
) -> str:
    """The inverse of ``rewrite``, for inbound mail: original links back, our pixels gone.

    destination: the original destination of one of our tracking URLs, or None for any
        other URL. It is asked about every link, decoded and cleaned, and about what is
        readable inside the wrappers of Outlook, Proofpoint, Gmail and others.
    is_pixel: whether a URL is that of one of our pixels; asked likewise about every image,
        also with ``cid:`` URLs, of which only the caller knows what is attached.
    is_trap: whether a URL is that of a hidden link; asked as ``destination`` is, before it. Such a
        link goes, with its element where that is empty, else without its address.

    Finds them however the mail program has written the tags, in any case, order and quotes,
    with addresses broken over lines. What it does not replace stays, every character of
    it. Takes time linear in ``len(html)``.
    """
    edits: list[Edit] = []
    for found in Scan(html, images=True):
        start, end = found.end(grammar.AT), found.end()
        of_tag = attributes(html, start, end)
        name = grammar.TAG_NAME.match(html, start, end)
        if found.lastindex == grammar.IMAGE or (name and name[1].lower() == "v:imagedata"):
            if _is_our_pixel(html, of_tag, is_pixel):
                edits.append(Edit(start, end, ""))
            continue
        addresses = [attribute for attribute in of_tag if attribute.name in _LINK_ADDRESSES]
        if is_trap is not None and any(_any_reading(_value(html, one), is_trap) for one in addresses):
            edits += _without_link(html, start, end, addresses)
            continue
        restored = False
        for attribute in addresses:
            original = _original(_value(html, attribute), destination)
            if original is not None:
                new = _write(original, attribute.quote)
                edits.append(Edit(attribute.value_start, attribute.value_end, new))
                restored = True
        if restored:
            edits += _restored_text(html, end, destination)
    return splice(html, edits)


def _value(html: str, attribute: Attribute) -> str:
    return decode(html[attribute.value_start : attribute.value_end])


def _is_our_pixel(html: str, of_tag: list[Attribute], is_pixel: Callable[[str], bool]) -> bool:
    for attribute in of_tag:
        if attribute.name in _IMAGE_ADDRESSES and _any_reading(_value(html, attribute), is_pixel):
            return True
    return _has_pixel_markup(html, of_tag)


def _has_pixel_markup(html: str, of_tag: list[Attribute]) -> bool:
    """Whether a ``cid:`` image is our pixel, fetched and attached by the one who forwards it.

    Its address is gone, so the markup that ``rewrite`` gives has to tell.
    """
    values = {}
    for name in ("src", "width", "height", "alt", "role"):
        attribute = first(of_tag, name)
        if attribute is None:
            return False
        values[name] = _value(html, attribute).strip().lower()
    return values.pop("src").startswith("cid:") and values == {
        "width": "1",
        "height": "1",
        "alt": "",
        "role": "presentation",
    }


def _any_reading(value: str, test: Callable[[str], bool]) -> bool:
    return any(test(url) for spelling in _spellings(value) for url in readable(spelling))


def _without_link(html: str, start: int, end: int, addresses: list[Attribute]) -> list[Edit]:
    """The edits that take a link out: whole where nothing stands in it, else without its addresses."""
    closing = _END_OF_EMPTY_LINK.match(html, end)
    if closing is not None and html[start + 1] in "aA":
        return [Edit(start, closing.end(), "")]
    return [Edit(one.start, one.end, "") for one in addresses]


def _original(value: str, destination: Callable[[str], str | None]) -> str | None:
    originals = (first_known(spelling, destination) for spelling in _spellings(value))
    return next((one for one in originals if one is not None), None)


def _spellings(value: str) -> Iterator[str]:
    """A value as it reads, then without what line breaking may have put into it."""
    cleaned = clean(value)
    yield cleaned
    if _WHITE_SPACE.search(value.strip()):
        unbroken = _WHITE_SPACE.sub("", _SOFT_BREAK.sub("", value))
        if unbroken != cleaned:
            yield unbroken


def _write(original: str, quote: str) -> str:
    """The destination as the author wrote it, if that is known and fits these quotes."""
    if isinstance(original, Destination):
        written = original.written
        fits = quote not in written if quote else grammar.is_unquoted_value(written)
        if fits:
            return written
    return encode(original, quote)


def _restored_text(html: str, tag_end: int, destination: Callable[[str], str | None]) -> list[Edit]:
    """The edit of a link's text if that is a tracking URL too, as after a plain-text detour."""
    match = _TEXT.match(html, tag_end)
    text = match[0] if match else ""
    if text.lstrip()[:4].lower() != "http":
        return []
    original = _original(decode(_WBR.sub("", text)), destination)
    if original is None:
        return []
    start = tag_end + len(text) - len(text.lstrip())
    return [Edit(start, start + len(text.strip()), encode(original, '"'))]
