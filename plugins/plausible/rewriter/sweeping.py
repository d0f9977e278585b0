"""The last pass over HTML that is stored as it came: what of ours stands where no link and no image does."""

import re
from collections.abc import Callable

from plugins.plausible.rewriter.attributes import decode, encode
from plugins.plausible.rewriter.destinations import clean
from plugins.plausible.rewriter.plain_text import glued, readable, without_punctuation
from plugins.plausible.rewriter.splicing import Edit, splice

_ADDRESS = re.compile(r"(?i)https?(?::|&#0*+58;|&#x0*+3a;|&colon;)[^\s<>\"']++")
# In text these characters end an address; there they are written as references.
_END = re.compile(r"(?i)&(?:lt|gt|quot|apos|nbsp|#0*+(?:34|39|60|62|160)|#x0*+(?:22|27|3c|3e|a0));")
_NOWHERE = "about:blank"
_OPENING, _CLOSING = ("&lt;", "["), ("&gt;", "]")


def sweep(html: str, *, destination: Callable[[str], str | None], is_pixel: Callable[[str], bool]) -> str:
    """Put destinations and nothing in the place of our addresses wherever they still stand after ``restore``.

    In running text, comments, style sheets and attributes such as ``background`` or ``srcset``. An address that goes
    leaves ``about:blank`` in an attribute or style, so that nothing is loaded, and nothing at all in text.

    destination, is_pixel: as in ``restore``; is_pixel is asked about hidden links too. Takes linear time.
    """
    edits: list[Edit] = []

    def edit(start: int, written: str) -> bool:
        readings = list(readable(clean(decode(written))))
        if any(map(is_pixel, readings)):
            edits.append(_removed(html, start, start + len(written)))
        elif (original := next(filter(None, map(destination, readings)), None)) is not None:
            # Without quotes is the strictest way to write a value, and reads the same in text.
            edits.append(Edit(start, start + len(written), encode(original, "")))
        else:
            return False
        return True

    for match in _ADDRESS.finditer(html):
        written = match[0]
        if end := _END.search(written):
            written = written[: end.start()]
        if not edit(match.start(), without_punctuation(written)):
            for offset, one in glued(written):
                edit(match.start() + offset, one)
    return splice(html, edits)


def _removed(html: str, start: int, stop: int) -> Edit:
    if html[start - 1 : start] in {'"', "'", "=", "("}:
        return Edit(start, stop, _NOWHERE)
    for opening, closing in zip(_OPENING, _CLOSING, strict=True):
        if html.endswith(opening, 0, start) and html.startswith(closing, stop):
            return Edit(start - len(opening), stop + len(closing), "")
    return Edit(start, stop, "")
