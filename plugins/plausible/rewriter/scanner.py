"""One pass over a mail's HTML: its links in order, and the places where a pixel can live."""

import re
from collections.abc import Callable, Iterator
from typing import cast

from plugins.plausible.rewriter import grammar
from plugins.plausible.rewriter.foreign import ForeignContent

# The scanner's patterns match the empty string too, so there always is a match.
_Match = Callable[[str, int, int], re.Match[str]]


class Scan:
    """The links of one HTML document, found while iterating over it once.

    After the iteration ``body_start``, ``body_end`` and ``html_end`` are the offsets after
    the first ``<body>`` and before the last ``</body>`` and ``</html>`` that are real tags
    (-1 without one), and ``live_end`` is how far the document lives: a tag, quote, comment
    or raw-text element that is never closed swallows all that follows.
    """

    def __init__(self, html: str, *, images: bool = False) -> None:
        self.html = html
        self.body_start = self.body_end = self.html_end = -1
        self.live_end = len(html)
        self._images = images

    def __iter__(self) -> Iterator[re.Match[str]]:
        """Yield a match per link (and image); its ``lastindex`` tells the kind, see grammar."""
        html = self.html
        position, end = 0, len(html)
        # The SVG or MathML that is open here, if any.
        drawing: ForeignContent | None = None
        # Inside a conditional comment: where it ends, and the drawing around it.
        comment_end, around = -1, drawing
        match = self._matcher(drawing)
        while True:
            found = match(html, position, end)
            position = found.end()
            kind = found.lastindex or grammar.AT
            if kind == grammar.OTHER_TAG or drawing is not None:
                before = drawing
                drawing, kind = self._follow(drawing, kind, found)
                if drawing is not before:
                    match = self._matcher(drawing)
            if grammar.AT < kind <= grammar.IMAGE:
                yield found
                continue
            if grammar.BODY <= kind <= grammar.OTHER_TAG:
                if comment_end < 0:
                    self._note(kind, found)
                continue
            close = self._end_of_content(kind, found, end, drawing)
            if kind == grammar.COMMENT and close >= 0:
                content = grammar.conditional_content(html, position, close)
                if content >= 0:
                    # No other comment can be inside: "-->" ends them all.
                    position, end, comment_end = content, close - 3, close
                    if drawing is not None:
                        around, drawing = drawing, None
                        match = self._matcher(drawing)
                    continue
            if close >= 0:
                position = close
            elif comment_end >= 0:
                position, end, comment_end = comment_end, len(html), -1
                if drawing is not around:
                    drawing, around = around, None
                    match = self._matcher(drawing)
            else:
                self.live_end = found.end(grammar.AT)
                return

    def _matcher(self, drawing: ForeignContent | None) -> _Match:
        pattern = grammar.scanner(images=self._images, every_tag=drawing is not None)
        return cast("_Match", pattern.match)

    def _end_of_content(self, kind: int, found: re.Match[str], end: int, drawing: ForeignContent | None) -> int:
        """Where the content ends that the found construct opens; -1 if it never does."""
        start = found.end()
        if kind == grammar.COMMENT:
            return grammar.end_of_comment(self.html, start, end)
        if kind == grammar.RAW_TEXT:
            return grammar.end_of_raw_text(self.html, found[kind].lower(), start, end)
        if kind == grammar.CDATA:
            is_section = drawing is not None and drawing.is_current
            return grammar.end_of_cdata(self.html, start, end, is_section=is_section)
        return -1

    def _follow(
        self, drawing: ForeignContent | None, kind: int, found: re.Match[str]
    ) -> tuple[ForeignContent | None, int]:
        """The drawing that is open after the found tag, and the kind that the tag has in it."""
        html = self.html
        name = grammar.TAG_NAME.match(html, found.end(grammar.AT))
        if name is None:
            return drawing, kind
        if drawing is None:
            drawing = ForeignContent()
        if name[0].startswith("</"):
            drawing.end_tag(name[1].lower())
        else:
            # What is raw text in HTML is an element like any other in a drawing.
            if kind == grammar.RAW_TEXT and drawing.is_current:
                kind = grammar.OTHER_TAG
            self_closing = html[found.end() - 2] == "/" and grammar.is_self_closing(html, name.start())
            drawing.start_tag(name[1].lower(), self_closing=self_closing)
        return drawing if drawing.is_open else None, kind

    def _note(self, kind: int, found: re.Match[str]) -> None:
        if kind == grammar.BODY_END:
            self.body_end = found.start(kind)
        elif kind == grammar.HTML_END:
            self.html_end = found.start(kind)
        elif kind == grammar.BODY and self.body_start < 0:
            self.body_start = found.end(kind)
