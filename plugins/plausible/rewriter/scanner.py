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
        self._drawing = ForeignContent()

    def __iter__(self) -> Iterator[re.Match[str]]:
        """Yield a match per link (and image); its ``lastindex`` tells the kind, see grammar."""
        html, drawing = self.html, self._drawing
        match = self._matcher()
        position, end = 0, len(html)
        # Inside a conditional comment: where the comment ends. Tags do not nest beyond it.
        comment_end = -1
        while True:
            found = match(html, position, end)
            position = found.end()
            kind = found.lastindex or grammar.AT
            if comment_end < 0 and (drawing.is_open or kind == grammar.OTHER_TAG):
                kind = self._follow(kind, found)
                match = self._matcher()
            if grammar.AT < kind <= grammar.IMAGE:
                yield found
                continue
            if kind >= grammar.BODY:
                if comment_end < 0:
                    self._note(kind, found)
                if kind != grammar.CDATA:
                    continue
            close = self._end_of_content(kind, found, end)
            if kind == grammar.COMMENT and close >= 0:
                content = grammar.conditional_content(html, position, close)
                if content >= 0:
                    # No other comment can be inside: "-->" ends them all.
                    position, end, comment_end = content, close - 3, close
                    continue
            if close >= 0:
                position = close
            elif comment_end >= 0:
                position, end, comment_end = comment_end, len(html), -1
            else:
                self.live_end = found.end(grammar.AT)
                return

    def _matcher(self) -> _Match:
        pattern = grammar.scanner(images=self._images, every_tag=self._drawing.is_open)
        return cast("_Match", pattern.match)

    def _end_of_content(self, kind: int, found: re.Match[str], end: int) -> int:
        """Where the content ends that the found construct opens; -1 if it never does."""
        start = found.end()
        if kind == grammar.COMMENT:
            return grammar.end_of_comment(self.html, start, end)
        if kind == grammar.RAW_TEXT:
            return grammar.end_of_raw_text(self.html, found[kind].lower(), start, end)
        if kind == grammar.CDATA:
            return grammar.end_of_cdata(self.html, start, end, is_section=self._drawing.is_current)
        return -1

    def _follow(self, kind: int, found: re.Match[str]) -> int:
        """Keep account of open SVG and MathML; give the kind that the found tag has in them."""
        name = grammar.TAG_NAME.match(self.html, found.end(grammar.AT))
        if name is None:
            return kind
        if name[0].startswith("</"):
            self._drawing.end_tag(name[1].lower())
            return kind
        was_current = self._drawing.is_current
        self_closing = grammar.is_self_closing(self.html, name.start())
        self._drawing.start_tag(name[1].lower(), self_closing=self_closing)
        return grammar.OTHER_TAG if was_current and kind == grammar.RAW_TEXT else kind

    def _note(self, kind: int, found: re.Match[str]) -> None:
        if kind == grammar.BODY_END:
            self.body_end = found.start(kind)
        elif kind == grammar.HTML_END:
            self.html_end = found.start(kind)
        elif kind == grammar.BODY and self.body_start < 0:
            self.body_start = found.end(kind)
