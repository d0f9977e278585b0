"""The readable text of an HTML mail, for the text/plain part.

nh3 parses first, so that html.parser (quadratic on broken markup in Python 3.11, and
decoding '&reg=1' in a link as '®=1') only ever sees well-formed HTML.
"""

import re
from html.parser import HTMLParser

import nh3

from app.email import markup_limits
from app.email.markup_limits import names

MAX_INDENT = 20
"""Quote and list levels that are shown; deeper ones stay at this level."""

_BLOCKS = names(
    "address article aside center dd details div dl dt fieldset figcaption figure footer form header hgroup "
    "main nav section summary table caption thead tbody tfoot tr"
)
_SPACED_BLOCKS = names("p h1 h2 h3 h4 h5 h6 blockquote ul ol pre")
_INLINE = names("a b br code del em hr i img ins li q s small span strong sub sup td th u")
_DROPPED = names(
    "script style title textarea select option template noscript iframe noembed noframes xmp svg math object "
    "applet audio video canvas map head"
)
_PARSER = nh3.Cleaner(
    tags=set(_BLOCKS | _SPACED_BLOCKS | _INLINE),
    clean_content_tags=set(_DROPPED),
    attributes={"a": {"href"}, "img": {"alt"}, "ol": {"start"}, "*": {"style", "hidden"}},
    url_schemes={"http", "https", "mailto", "tel"},
    url_relative="deny",
    link_rel=None,
)
_HIDING_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\n\f\r]+")
# What senders pad their previews with: it takes no room on the screen and is noise in a text.
_PADDING = str.maketrans("", "", "\u00ad\u034f\u200b\u2060\ufeff")
_INVISIBLE = re.compile(r"[\s\u200c\u200d\u200e\u200f]*")


def html_to_text(html: str) -> str:
    """Write HTML as plain text: links as "label <url>", "> " before quotes, "- " before items.

    Hidden elements, styles and scripts are left out; an image is its alt text in brackets.
    Lines are not wrapped; they end in LF and the text ends without a line break.
    Raises ContentTooLarge for HTML that is too long or too tangled to parse.
    """
    markup_limits.check_size(html)
    markup_limits.check_parsable(html)
    writer = _TextWriter()
    writer.feed(_PARSER.clean(html))
    writer.close()
    return writer.text()


class _TextWriter(HTMLParser):
    """Turns well-formed HTML into lines. Time is linear: no element is looked at twice."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line = ""
        self._space = False
        self._separator = False
        self._marker = ""
        self._blank_depth: int | None = None
        self._indents: list[str] = []
        self._lists: list[int | None] = []
        self._links: list[tuple[str, int, int] | None] = []
        self._pre = 0
        self._hidden = 0

    def text(self) -> str:
        """Return the lines, at most one blank line in a row, none at the ends."""
        self._end_line()
        return "\n".join(line.replace("\u00a0", " ").rstrip() for line in self._lines)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if self._hidden or _is_hidden(attributes):
            self._hidden += tag not in markup_limits.VOID
            return
        if tag == "br":
            self._end_line(keep_blank=True)
        elif tag == "hr":
            self._end_line()
            self._write("-" * 20)
            self._end_line()
        elif tag == "img":
            if alt := (attributes.get("alt") or "").strip():
                self._write(f"[{_SPACES.sub(' ', alt)}]")
        elif tag == "a":
            self._start_link(attributes.get("href"))
        elif tag in ("td", "th"):
            self._separator = bool(self._line)
        elif tag in _BLOCKS or tag in _SPACED_BLOCKS or tag == "li":
            self._start_block(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            self._hidden -= 1
        elif tag == "a":
            self._end_link()
        elif tag in ("ul", "ol"):
            self._lists.pop()
            self._end_line()
            if not self._lists:
                self._blank_line()
        elif tag == "li":
            self._end_line()
            self._marker = ""
            self._indents.pop()
        elif tag in _BLOCKS or tag in _SPACED_BLOCKS:
            self._end_block(tag)

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        data = data.translate(_PADDING)
        if self._pre:
            first, *rest = data.replace("\r\n", "\n").split("\n")
            self._write_raw(first)
            for line in rest:
                self._end_line(keep_blank=True)
                self._write_raw(line)
            return
        words = _SPACES.sub(" ", data)
        self._space = self._space or words.startswith(" ")
        if inner := words.strip(" "):
            self._write(inner)
            self._space = words.endswith(" ")

    def _start_block(self, tag: str, attributes: dict[str, str | None]) -> None:
        self._end_line()
        if tag in _SPACED_BLOCKS and not (tag in ("ul", "ol") and self._lists) and not self._marker:
            self._blank_line()
        if tag == "blockquote":
            self._indents.append("> ")
        elif tag == "pre":
            self._pre += 1
        elif tag == "ul":
            self._lists.append(None)
        elif tag == "ol":
            start = attributes.get("start") or ""
            self._lists.append(int(start) if re.fullmatch(r"\d{1,6}", start) else 1)
        elif tag == "li":
            self._start_item()

    def _start_item(self) -> None:
        number = self._lists[-1] if self._lists else None
        self._marker = "- " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1] = number + 1
        self._indents.append(" " * len(self._marker))

    def _end_block(self, tag: str) -> None:
        self._end_line()
        if tag == "blockquote":
            self._indents.pop()
        elif tag == "pre":
            self._pre -= 1
        if tag in _SPACED_BLOCKS:
            self._blank_line()

    def _start_link(self, href: str | None) -> None:
        # Where its text will begin, to compare the label with the address when it ends.
        self._links.append((href, len(self._lines), len(self._line)) if href else None)

    def _end_link(self) -> None:
        link = self._links.pop()
        if link is None:
            return
        href, line_number, column = link
        target = re.sub(r"^(?:mailto|tel):", "", href, flags=re.IGNORECASE)
        same_line = line_number == len(self._lines)
        label = self._line[column:].strip() if same_line else ""
        if label and _plain(label) == _plain(target):
            return
        if label:
            self._write(f" <{target}>")
        elif not same_line:
            self._end_line()
            self._write(f"<{target}>")
        else:
            self._write(target)

    def _write(self, words: str) -> None:
        if self._line:
            if self._separator:
                self._line += " | "
            elif self._space:
                self._line += " "
        self._write_raw(words)

    def _write_raw(self, words: str) -> None:
        self._separator = self._space = False
        self._line += words

    def _end_line(self, *, keep_blank: bool = False) -> None:
        if _INVISIBLE.fullmatch(self._line) is None:
            if self._blank_depth is not None and self._lines:
                self._lines.append("".join(self._indents[: self._blank_depth]))
            self._blank_depth = None
            self._lines.append(self._prefix() + self._line)
        elif keep_blank:
            self._blank_line()
        self._line = ""
        self._space = self._separator = False

    def _blank_line(self) -> None:
        """Ask for one blank line before the next text, as deep as the shallower of its neighbours."""
        depth = min(len(self._indents), MAX_INDENT)
        self._blank_depth = depth if self._blank_depth is None else min(depth, self._blank_depth)

    def _prefix(self) -> str:
        indents = self._indents[:MAX_INDENT]
        if self._marker:
            indents[-1] = self._marker
            self._marker = ""
        return "".join(indents)


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    return "hidden" in attributes or _HIDING_STYLE.search(attributes.get("style") or "") is not None


def _plain(address: str) -> str:
    """What of a link and its label must be equal for the label to say it all."""
    return re.sub(r"^https?://(?:www\.)?|/$", "", address.strip().lower())
