"""Refuses HTML that would keep a parser busy, before any parser sees it.

Parsers are quadratic in what people rarely write: html5ever takes 13 s for 100,000 nested
<div> and copies an unclosed <font> or <a> into every following paragraph, html.parser
(3.11) and html5lib are quadratic in repeated '<a ' and '<!--'. The scan here is one regular
expression without backtracking, and its stack only ever over-estimates: an end tag counts
only where it closes the innermost open element, so no misnesting hides depth from it.
"""

import re
from collections.abc import Iterator

from app.email.errors import ContentTooLarge

MAX_HTML = 512_000
"""Characters of one HTML or text body."""
MAX_DEPTH = 256
"""Nested elements of a body after unclosed ones were closed; mail programs cut off deeper ones."""
MAX_UNCLOSED = 1_000
"""Elements that may seem open at once before parsing; sloppy mails leave hundreds unclosed."""
MAX_ATTRIBUTE_NAMES = 32_768
"""Characters of one tag outside its quoted values."""
MAX_COPIED = 20_000_000
"""Characters that a parser may have to copy to repair unclosed formatting elements."""


def names(words: str) -> frozenset[str]:
    """Make a set of element names from words between spaces."""
    return frozenset(words.split())


VOID = names("area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr")
_OPTIONAL_END = names("p li dt dd option optgroup tr td th thead tbody tfoot colgroup rp rt html head body")
_FORMATTING = names("a b big code em font i nobr s small strike strong tt u")
_RAW_TEXT = names("script style title textarea xmp iframe noembed noframes noscript")
_AMBIGUOUS_AFTER = frozenset(("svg", "math", "select"))

_TOKEN = re.compile(
    r"""
      <!--(?:-?>|.*?--!?>)
    | <(?P<slash>/?)(?P<name>[a-zA-Z][^\t\n\f\r\ />]*+)
      (?P<attributes>(?:
          [\t\n\f\r\ /]++
        | [^\t\n\f\r\ />][^\t\n\f\r\ />=]*+
          (?:[\t\n\f\r\ ]*+=[\t\n\f\r\ ]*+
             (?:"[^"]*+(?:"|\Z) | '[^']*+(?:'|\Z) | [^\t\n\f\r\ >"'][^\t\n\f\r\ >]*+ | (?=>))
          )?+
      )*+)>
    | <(?!!--)[!?/][^>]*+>
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r""""[^"]*+"|'[^']*+'""")
_TAG_START = re.compile("<[a-zA-Z]")
_RAW_END = {name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE) for name in _RAW_TEXT}
_ADVICE = "simplify the formatting, for example by pasting it without formatting"


def check_size(text: str, what: str = "the body", limit: int = MAX_HTML) -> None:
    """Raise ContentTooLarge if text has more than limit characters."""
    if len(text) > limit:
        raise ContentTooLarge(
            f"{what} has {len(text)} characters, at most {limit} fit; shorten it or attach it as a file"
        )


def check_parsable(html: str) -> None:
    """Raise ContentTooLarge if parsing html could take longer than its size explains. Linear time."""
    open_elements: list[str] = []
    formatting: list[int] = []
    formatting_size = copied = 0
    ambiguous = False
    position = html.find("<")
    while position >= 0:
        match = _TOKEN.match(html, position)
        if match is None:
            if not html.startswith(("<!", "<?", "</"), position) and not _TAG_START.match(html, position):
                position = html.find("<", position + 1)
                continue
            return  # An unfinished tag or comment swallows the rest of the document.
        end = match.end()
        name = (match["name"] or "").lower()
        if name and match["slash"]:
            if open_elements and open_elements[-1] == name:
                open_elements.pop()
                if name in _FORMATTING:
                    formatting_size -= formatting.pop()
        elif name:
            _check_attributes(match["attributes"])
            ambiguous = ambiguous or name in _AMBIGUOUS_AFTER
            if name == "plaintext":
                return
            if name in _RAW_TEXT:
                raw_end = _RAW_END[name].search(html, end)
                raw = html[end : raw_end.start() if raw_end else len(html)]
                if ambiguous or (name == "script" and "<!--" in raw):
                    # Whether this is raw text, and where it ends, depends on the tree: count the worst case.
                    _check_worst_case(html, end, len(open_elements))
                    return
                end += len(raw)
                open_elements.append(name)
            elif ambiguous or (name not in VOID and name not in _OPTIONAL_END):
                open_elements.append(name)
                if name in _FORMATTING:
                    formatting.append(end - position + 20)
                    formatting_size += formatting[-1]
        elif ambiguous and html.startswith("<![CDATA[", position):
            _check_worst_case(html, end, len(open_elements))
            return
        copied += formatting_size
        if len(open_elements) > MAX_UNCLOSED or copied > MAX_COPIED:
            raise _too_deep()
        position = html.find("<", end)


def check_depth(html: str) -> None:
    """Raise ContentTooLarge if well-formed html (as nh3 writes it) nests deeper than MAX_DEPTH."""
    depth = 0
    for closing, name in _tags(html):
        if closing:
            depth -= 1
        elif name not in VOID:
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep()


def _tags(html: str) -> Iterator[tuple[bool, str]]:
    for match in _TOKEN.finditer(html):
        if match["name"]:
            yield bool(match["slash"]), match["name"]


def _check_attributes(attributes: str) -> None:
    if len(attributes) > MAX_ATTRIBUTE_NAMES and len(_QUOTED.sub("", attributes)) > MAX_ATTRIBUTE_NAMES:
        raise ContentTooLarge(
            f"one tag of the body has more than {MAX_ATTRIBUTE_NAMES} characters of attributes; {_ADVICE}"
        )


def _check_worst_case(html: str, position: int, already_open: int) -> None:
    tags = sum(1 for _ in _TAG_START.finditer(html, position))
    if already_open + tags > MAX_UNCLOSED or tags * (len(html) - position) > MAX_COPIED:
        raise _too_deep()


def _too_deep() -> ContentTooLarge:
    return ContentTooLarge(f"the body nests more than {MAX_DEPTH} elements or leaves too many unclosed; {_ADVICE}")
