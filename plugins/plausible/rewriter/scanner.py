"""One pass over a mail's HTML: its links in order, and the places where a pixel can live."""

import re
from collections.abc import Callable, Iterator
from typing import cast

from plugins.plausible.rewriter import grammar


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
        self._pattern = grammar.NEXT_LINK_OR_IMAGE if images else grammar.NEXT_LINK

    def __iter__(self) -> Iterator[re.Match[str]]:
        """Yield a match per link (and image); its ``lastindex`` tells the kind, see grammar."""
        html = self.html
        # The pattern matches the empty string too, so there always is a match.
        match = cast("Callable[[str, int, int], re.Match[str]]", self._pattern.match)
        position, end = 0, len(html)
        # Inside a conditional comment: where the comment ends. Body tags do not count there.
        comment_end = -1
        while True:
            found = match(html, position, end)
            position = found.end()
            kind = found.lastindex or grammar.AT
            if grammar.AT < kind <= grammar.IMAGE:
                yield found
                continue
            if kind == grammar.COMMENT:
                close = grammar.end_of_comment(html, position, end)
                if close < 0:
                    dead = position - 4
                elif (content := grammar.conditional_content(html, position, close)) >= 0:
                    # Only the outermost comment can be one: "-->" ends them all.
                    position, end, comment_end = content, close - 3, close
                    continue
                else:
                    position = close
                    continue
            elif kind == grammar.RAW_TEXT:
                close = grammar.end_of_raw_text(html, found[kind].lower(), position, end)
                if close >= 0:
                    position = close
                    continue
                dead = found.end(grammar.AT)
            elif kind == grammar.AT:
                dead = position
            else:
                if comment_end < 0:
                    self._note(kind, found)
                continue
            if comment_end < 0:
                self.live_end = dead
                return
            position, end, comment_end = comment_end, len(html), -1

    def _note(self, kind: int, found: re.Match[str]) -> None:
        if kind == grammar.BODY_END:
            self.body_end = found.start(kind)
        elif kind == grammar.HTML_END:
            self.html_end = found.start(kind)
        elif self.body_start < 0:
            self.body_start = found.end(kind)
