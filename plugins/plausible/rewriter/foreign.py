"""Whether the scan is inside SVG or MathML, where raw-text elements are ordinary ones.

In them ``<style>`` and ``<title>`` hold markup and may close themselves (``<title/>``),
and CDATA sections exist. Read as HTML, one ``<style/>`` in a drawing would hide the rest
of the mail. Source: HTML Standard, 13.2.6.5 "The rules for parsing tokens in foreign content".

HTML elements are not followed here, so two things are taken to be as in well-formed mail:
the end tag of an HTML element closes one that is open around the drawing, and HTML
elements inside a drawing are closed before it.
"""

from collections import Counter

# A start tag of these ends a drawing that was never closed. (font does so only with some
# attributes, which it has in all mail.)
# fmt: off
_BREAKOUT = frozenset({
    "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em",
    "embed", "font", "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing",
    "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s", "small", "span", "strong", "strike",
    "sub", "sup", "table", "tt", "u", "ul", "var",
})
# fmt: on
# An end tag of these does so too, when it closes what the drawing stands in.
_AROUND = (_BREAKOUT - {"body", "head"}) | {"a", "td", "th", "tr", "tbody", "button", "label"}

# Elements whose content is HTML again. MathML's annotation-xml can be one; no mail has it.
_HTML_INSIDE = {
    "svg": frozenset({"foreignobject", "desc", "title"}),
    "math": frozenset({"mi", "mo", "mn", "ms", "mtext"}),
}


class ForeignContent:
    """The SVG and MathML elements that are open, outermost first; names in lower case."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []  # root ("svg" or "math") and name
        # How many of each name are open, so that a stray end tag costs no search.
        self._count: Counter[str] = Counter()

    @property
    def is_open(self) -> bool:
        """Whether any such element is open, perhaps with HTML inside it again."""
        return bool(self._open)

    @property
    def is_current(self) -> bool:
        """Whether markup here is read as SVG or MathML and not as HTML."""
        if not self._open:
            return False
        root, name = self._open[-1]
        return name not in _HTML_INSIDE[root]

    def start_tag(self, name: str, *, self_closing: bool) -> None:
        if self.is_current and name in _BREAKOUT:
            self._leave()
        elif (self.is_current or name in _HTML_INSIDE) and not self_closing:
            self._open.append((self._open[-1][0] if self.is_current else name, name))
            self._count[name] += 1

    def end_tag(self, name: str) -> None:
        if self._count[name]:
            while self._close() != name:
                pass
        elif self.is_current and name in _AROUND:
            self._leave()

    def _leave(self) -> None:
        while self.is_current:
            self._close()

    def _close(self) -> str:
        _, name = self._open.pop()
        self._count[name] -= 1
        return name
