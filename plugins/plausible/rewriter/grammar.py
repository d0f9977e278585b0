"""The HTML tokenizer, as far as a mail rewriter needs it, written as regular expressions.

Source of every rule: HTML Standard, section 13.2.5 "Tokenization"
(https://html.spec.whatwg.org/multipage/parsing.html#tokenization); the state that a rule
comes from stands beside it. Three properties matter more than any single rule:

- Exact. White space is five characters and not ``\\s``; a quote opens a value only after
  ``=``; ASCII letters fold case and no other letter does. So no pattern here uses
  IGNORECASE, which would let U+017F stand for "s" and U+212A for "k".
- Linear. All loops are possessive (``*+``): nothing is ever tried twice, and no pattern
  searches ahead for an end that may not exist.
- One step. Everything that does not interest us is crossed inside one regex match;
  Python runs only for links, comments, raw text and the ends of the document.
"""

import re
from functools import cache

WHITE_SPACE = "\t\n\f\r "
_WS = r"\t\n\f\r "


def _any_case(word: str) -> str:
    """A pattern for an ASCII word in any mixture of cases."""
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else re.escape(c) for c in word)


# What ends a tag name ("tag name state"), so that <abbr> is not taken for <a>.
_NAME_END = rf"[{_WS}/>]"

# "Attribute name state": a name may begin with "=", and may contain quotes.
_NAME = rf"[^{_WS}/>][^{_WS}/>=]*+"

# "Before attribute value state": ">" ends the tag, the value is then empty.
_EQUALS = rf"[{_WS}]*+=[{_WS}]*+"
_UNQUOTED = rf"""[^{_WS}>"'][^{_WS}>]*+"""

# Without the last alternative's look-ahead, a value whose quote never closes would be
# read as an attribute without a value, and a dead tag would come alive.
_ATTRIBUTE = rf"""{_NAME}(?:{_EQUALS}(?:"[^"]*+"|'[^']*+'|{_UNQUOTED}|(?=>))|(?!{_EQUALS}))"""

# "Before attribute name state" and "self-closing start tag state": slashes separate too.
_SEPARATOR = rf"[{_WS}/]*+"

# The fast alternative is only that: the second one matches all that the first one does.
_ATTRIBUTES = rf"""(?: [a-zA-Z:-]++="[^"]*+"|{_SEPARATOR}{_ATTRIBUTE})*+{_SEPARATOR}"""

_LINK_NAME = rf"(?:[aA](?:{_any_case('rea')})?(?={_NAME_END})|[vV]:[^{_WS}/>]*+)"
_IMAGE_NAME = rf"[iI]{_any_case('mg')}(?={_NAME_END})"

# Elements whose content is text and not markup (13.2.6.4.7 "in body", 13.2.6.4.4 "in head").
# noscript is absent: mail clients do not run scripts, so its content is markup.
_RAW_TEXT = ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext")
_RAW_TEXT_NAME = rf"(?:{'|'.join(map(_any_case, _RAW_TEXT))})(?={_NAME_END})"

_CDATA = r"\[CDATA\["

OPT_OUT = "data-no-track"
_HREF = rf"{_any_case('href')}(?=[{_WS}/>=])"
_OPT_OUT = rf"{_any_case(OPT_OUT)}(?=[{_WS}/>=])"

# Group numbers of the patterns below. AT is empty and stands where the skipping stopped.
# OTHER_TAG is <svg> or <math>, or with every_tag any tag that has no group of its own.
AT, DOUBLE_QUOTED, SINGLE_QUOTED, UNQUOTED, TAG, IMAGE, COMMENT, RAW_TEXT = range(1, 9)
BODY, BODY_END, HTML_END, OTHER_TAG, CDATA = range(9, 14)

QUOTES = {DOUBLE_QUOTED: '"', SINGLE_QUOTED: "'", UNQUOTED: ""}


@cache
def scanner(*, images: bool = False, every_tag: bool = False) -> re.Pattern[str]:
    """Compile the pattern that crosses everything up to the next thing of interest.

    It always matches. Its ``lastindex`` then says what was found: one of the constants
    above, or AT if nothing was, because the text ends here or because the construct
    that begins here is never closed.
    """
    every = rf"/?[a-zA-Z]|!--|!{_CDATA}"
    interesting = (
        every
        if every_tag
        else "|".join(
            [
                _LINK_NAME,
                *([_IMAGE_NAME] if images else []),
                rf"[sS](?:{_any_case('cript')}|{_any_case('tyle')}|{_any_case('vg')}){_NAME_END}",
                rf"[tT](?:{_any_case('extarea')}|{_any_case('itle')}){_NAME_END}",
                rf"[iI]{_any_case('frame')}{_NAME_END}",
                rf"[nN][oO](?:{_any_case('embed')}|{_any_case('frames')}){_NAME_END}",
                rf"[xX]{_any_case('mp')}{_NAME_END}",
                rf"[pP]{_any_case('laintext')}{_NAME_END}",
                rf"[bB]{_any_case('ody')}{_NAME_END}",
                rf"[mM]{_any_case('ath')}{_NAME_END}",
                rf"/(?:{_any_case('body')}|{_any_case('html')}){_NAME_END}",
                "!--",
            ]
        )
    )
    skipped = "|".join(
        [
            # "Tag open" and "end tag open state".
            rf"/?[a-zA-Z][^{_WS}/>]*+{_ATTRIBUTES}>",
            # "Markup declaration open", "bogus comment" and "DOCTYPE" states: the first ">"
            # ends them all, also inside the quotes of a DOCTYPE.
            r"(?:[!?]|/(?![a-zA-Z]))[^>]*+>",
            # "Tag open state", anything else: the "<" was text.
            r"(?![a-zA-Z!?/])",
        ]
    )
    # A link that has a href and no opt-out is matched whole, with its value in a group of
    # its own; first href wins, so neither may stand before it. All other links are only
    # delimited (TAG), and their attributes looked at one by one.
    before_href = rf"(?:{_SEPARATOR}(?!{_HREF}|{_OPT_OUT}){_ATTRIBUTE})*+{_SEPARATOR}"
    after_href = rf"(?:{_SEPARATOR}(?!{_OPT_OUT}){_ATTRIBUTE})*+{_SEPARATOR}"
    other_name = r"/?[a-zA-Z]" if every_tag else rf"(?:{_any_case('svg')}|{_any_case('math')})(?={_NAME_END})"
    value = rf"""(?:"([^"]*+)"|'([^']*+)'|({_UNQUOTED}))"""
    return re.compile(
        rf"(?:[^<]++|<(?!{interesting})(?:{skipped}))*+()"
        rf"(?:<{_LINK_NAME}{before_href}{_any_case('href')}{_EQUALS}{value}{after_href}>"
        rf"|(<{_LINK_NAME}{_ATTRIBUTES}>)"
        rf"|({f'<{_IMAGE_NAME}{_ATTRIBUTES}>' if images else '(?!)'})"
        r"|(<!--)"
        rf"|<({_RAW_TEXT_NAME}){_ATTRIBUTES}>"
        rf"|(<{_any_case('body')}(?={_NAME_END}){_ATTRIBUTES}>)"
        rf"|(</{_any_case('body')}(?={_NAME_END}){_ATTRIBUTES}>)"
        rf"|(</{_any_case('html')}(?={_NAME_END}){_ATTRIBUTES}>)"
        rf"|(<{other_name}[^{_WS}/>]*+{_ATTRIBUTES}>)"
        rf"|({f'<!{_CDATA}' if every_tag else '(?!)'})"
        r")?+"
    )


TAG_NAME = re.compile(rf"</?([a-zA-Z][^{_WS}/>]*+)")
_END_OF_TAG = re.compile(rf"</?[^{_WS}/>]++(?:{_SEPARATOR}{_ATTRIBUTE})*+({_SEPARATOR})>")
# Its groups: 1 is the name, then DOUBLE_QUOTED, SINGLE_QUOTED or UNQUOTED if it has a value.
ATTRIBUTE = re.compile(rf"""({_NAME})(?:{_EQUALS}(?:"([^"]*+)"|'([^']*+)'|({_UNQUOTED})|(?=>))|(?!{_EQUALS}))""")

_WHITE_SPACE_RUN = re.compile(f"[{_WS}]*+")
_UNQUOTED_VALUE = re.compile(_UNQUOTED)
_END_TAGS = {
    name: re.compile(rf"</{_any_case(name)}(?={_NAME_END}){_ATTRIBUTES}(>?)")
    for name in _RAW_TEXT
    if name != "plaintext"
}
# One search for both ends: two would each cross what only the other one ends, again and again.
_END_OF_COMMENT = re.compile("--!?>")
_SCRIPT_MARKS = re.compile(rf"<!--|-->|<(/?){_any_case('script')}(?={_NAME_END})")
_CONDITION = re.compile(rf"\[{_any_case('if')}([^\]>]*+)\]>")


def end_of_white_space(html: str, start: int) -> int:
    """Where the (perhaps empty) white space ends that begins at start."""
    match = _WHITE_SPACE_RUN.match(html, start)
    return match.end() if match else start


def is_self_closing(html: str, tag_start: int) -> bool:
    """Whether the tag ends in ``/>``; in ``<a href=x/>`` the slash belongs to the value."""
    match = _END_OF_TAG.match(html, tag_start)
    return match is not None and match[1].endswith("/")


def is_unquoted_value(text: str) -> bool:
    """Whether a text can stand as an attribute's value without quotes."""
    return _UNQUOTED_VALUE.fullmatch(text) is not None


def end_of_comment(html: str, start: int, end: int) -> int:
    """Where the comment ends whose ``<!--`` ends at start, or -1 if nothing closes it.

    "Comment start", "comment start dash", "comment end" and "comment end bang" states.
    """
    if html.startswith(">", start, end):
        return start + 1
    if html.startswith("->", start, end):
        return start + 2
    close = _END_OF_COMMENT.search(html, start, end)
    return close.end() if close else -1


def end_of_cdata(html: str, start: int, end: int, *, is_section: bool) -> int:
    """Where the construct ends whose ``<![CDATA[`` ends at start, or -1 if nothing closes it.

    "CDATA section" state in SVG and MathML; elsewhere it is a bogus comment.
    """
    closing = "]]>" if is_section else ">"
    close = html.find(closing, start, end)
    return close + len(closing) if close >= 0 else -1


def end_of_raw_text(html: str, name: str, start: int, end: int) -> int:
    """Where the end tag of a raw text element ends whose content begins at start, or -1.

    "RAWTEXT", "RCDATA", "script data" and "PLAINTEXT" states, with the end tags of each.
    """
    if name == "plaintext":
        return -1
    if name == "script":
        start = _end_of_script_content(html, start, end)
        if start < 0:
            return -1
    close = _END_TAGS[name].search(html, start, end)
    return close.end() if close and close[1] else -1


def _end_of_script_content(html: str, start: int, end: int) -> int:
    """Where the ``</script`` stands that ends a script whose content begins at start, or -1.

    "Script data double escaped state": between ``<!--`` and ``-->`` a ``<script>`` has to
    be closed before ``</script>`` ends the element.
    """
    escaped = double_escaped = False
    position = start
    while mark := _SCRIPT_MARKS.search(html, position, end):
        position = mark.end()
        if mark[0] == "-->":
            escaped = double_escaped = False
        elif mark[0] == "<!--":
            # Its two dashes may be those of the "-->" that ends it again: "<!-->".
            position = mark.end() - 2
            escaped = True
        elif mark[1]:
            if not double_escaped:
                return mark.start()
            double_escaped = False
        elif escaped:
            double_escaped = True
    return -1


def conditional_content(html: str, start: int, end: int) -> int:
    """Where the markup for Outlook begins in the comment whose ``<!--`` ends at start, or -1.

    A comment ``<!--[if mso]> ... <![endif]-->`` is markup to Word's HTML engine, hence to
    Outlook. With the condition ``!mso`` it is markup to nobody.
    """
    if not html.startswith("[", start, end):
        return -1
    condition = _CONDITION.match(html, start, end)
    if condition is None or condition[1].strip(WHITE_SPACE).lower() == "!mso":
        return -1
    return condition.end()
