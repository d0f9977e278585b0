"""Folds away what stands below a message's own words: the quote at its end, and the signature before it. Pure.

Takes only HTML that a sanitizer wrote: every element is closed, and no tag's text holds an angle bracket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_TAG = re.compile(r"<(/?)([a-z0-9]+)\b([^>]*)>")
_QUOTE_TAG = re.compile(r"<(/?)blockquote\b[^>]*>")
_ANY_TAG = re.compile(r"<[^>]*>")
_TEXT_LINE = re.compile(r"(</?p>|<br>)")
_VOID = frozenset({"area", "br", "col", "hr", "img", "wbr"})
_INSIDE_OTHERS = frozenset(
    {"caption", "col", "colgroup", "dd", "dt", "li", "tbody", "td", "tfoot", "th", "thead", "tr"}
)
"""Elements that cannot stand in a <details>."""
_MARK = re.compile(r"(?m)^(?:--(?:[ \xa0]|&nbsp;)*)$")
_BREAK = re.compile(r"<br>|</(?:p|div|tr|li)>|\n")
_SUMMARY = (
    '<summary title="Quoted text"><span aria-hidden="true">…</span><span class="hidden">Quoted text</span></summary>'
)
_SIGNATURE = _SUMMARY.replace("Quoted text", "Signature")
SIGNATURE_LINES = 15
"""A signature is no longer than this; what is longer was meant to be read."""

_SIGNATURE_CLASS = "portal-signature"
_SIGNATURE_CLASSES = frozenset({"gmail_signature", "moz-signature", "applemailsignature", "protonmail_signature_block"})
"""How mail programs mark the signature that they put in, in lower case."""
MOST_TRIED = 3
"""Marks of one kind that are looked at, from the end."""
_INTRODUCTION = 200
"""Characters that may stand between a signature and the quote: "On Monday, Gus wrote:"."""


def signature_class(value: str) -> str | None:
    """What a sanitizer leaves of a class attribute: the mark of a signature, or nothing."""
    return _SIGNATURE_CLASS if _SIGNATURE_CLASSES & set(value.lower().split()) else None


def fold_mail(html: str) -> str:
    """A customer's cleaned HTML with the quote at its end, and the signature before that, folded away."""
    head, quote = _split_quote(html)
    return f"{_without_marks(_fold_html_signature(head, is_last=not quote))}{_without_marks(quote)}"


def _without_marks(html: str) -> str:
    return html.replace(f' class="{_SIGNATURE_CLASS}"', "")


def _split_quote(html: str) -> tuple[str, str]:
    """What stands before the outermost quote at the end of a mail, and that quote folded; '' for one that is not
    followed by white space alone, or stands before everything.
    """
    depth, start, end = 0, -1, -1
    for tag in _QUOTE_TAG.finditer(html):
        if tag[1]:
            depth -= 1
            if depth == 0:
                end = tag.end()
        else:
            if depth == 0:
                start, end = tag.start(), -1
            depth += 1
    if start < 0 or end < 0 or _words(html[end:]) or not (_words(html[:start]) or "<img" in html[:start]):
        return html, ""
    return html[:start], f"<details>{_SUMMARY}{html[start:end]}</details>{html[end:]}"


@dataclass(frozen=True)
class _Mark:
    """A line "-- ": where it begins, and where the elements around it do, the outermost first."""

    start: int
    around: tuple[int, ...]


@dataclass
class _Outline:
    """Where signatures may be. ends: where the content of an element ends, by where it begins."""

    marks: list[_Mark] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)


def _fold_html_signature(html: str, *, is_last: bool) -> str:
    """Fold a signature that its mail program marked, or that stands below a line "-- " (RFC 3676, 4.3)."""
    for start, end in _signatures(html):
        behind = _words(html[end:])
        is_introduction = not is_last and behind.endswith(":") and len(behind) <= _INTRODUCTION
        opening = _TAG.match(html, start)
        cannot_fold = opening is not None and opening[2] in _INSIDE_OTHERS
        if cannot_fold or (behind and not is_introduction) or not _words(html[:start]):
            continue
        if len(_BREAK.findall(html[start:end])) <= SIGNATURE_LINES:
            return f"{html[:start]}<details>{_SIGNATURE}{html[start:end]}</details>{html[end:]}"
    return html


def _signatures(html: str) -> Iterator[tuple[int, int]]:
    """Where signatures may begin and end, each a whole number of elements; the last ones first."""
    found = _outline(html)
    for mark in found.marks[: -MOST_TRIED - 1 : -1]:
        # It is often in a line or span of its own: what is folded begins with the outermost element that it opens.
        start = mark.start
        around = list(mark.around)
        while around and not _words(html[around[-1] : start]):
            start = around.pop()
        yield start, found.ends[around[-1]] if around else len(html)
    for start in found.blocks[: -MOST_TRIED - 1 : -1]:
        closing = _TAG.match(html, found.ends[start])
        yield start, closing.end() if closing else len(html)


def _outline(html: str) -> _Outline:
    found = _Outline()
    stack: list[tuple[int, str]] = []
    position = 0
    for tag in _TAG.finditer(html):
        _note_marks(html, position, tag.start(), stack, found)
        position = tag.end()
        if tag[2] in _VOID:
            continue
        if not tag[1]:
            if _SIGNATURE_CLASS in tag[3]:
                found.blocks.append(tag.start())
            stack.append((tag.start(), tag[2]))
        elif stack and stack[-1][1] == tag[2]:
            found.ends[stack.pop()[0]] = tag.start()
    _note_marks(html, position, len(html), stack, found)
    found.ends |= {start: len(html) for start, _ in stack}
    return found


def _note_marks(html: str, start: int, end: int, stack: Sequence[tuple[int, str]], found: _Outline) -> None:
    """In preformatted text the mark is one of several lines."""
    for mark in _MARK.finditer(html[start:end]):
        found.marks.append(_Mark(start + mark.start(), tuple(begun for begun, _ in stack)))


def _words(html: str) -> str:
    return _ANY_TAG.sub("", html).replace("&nbsp;", "").strip()


def fold_lines(html: str) -> str:
    """Fold the lines at the end of a text message that start with ">", with the line that introduces them."""
    parts = _TEXT_LINE.split(html)
    first = None
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index].strip("\xa0 \n")
        if _TEXT_LINE.fullmatch(part) or not part:
            continue
        if part.startswith("&gt;"):
            first = index
        elif first is not None and part.endswith(":"):
            first = index
            break
        else:
            break
    if first is None or not any(_words(part) for part in parts[:first]):
        return _fold_signature(parts)
    head, folded = _folded(parts, first, _SUMMARY)
    return f"{_fold_signature(_TEXT_LINE.split(head))}{folded}"


def _fold_signature(parts: list[str]) -> str:
    """Fold what stands below the last line "-- ", the usual mark of a signature (RFC 3676, 4.3)."""
    html = "".join(parts)
    marks = [index for index, part in enumerate(parts) if part.strip("\xa0 \n") == "--"]
    if not marks or not any(_words(part) for part in parts[: marks[-1]]):
        return html
    below = parts[marks[-1] :]
    if below.count("<br>") + 2 * below.count("<p>") > SIGNATURE_LINES:
        return html
    return "".join(_folded(parts, marks[-1], _SIGNATURE))


def _folded(parts: list[str], first: int, summary: str) -> tuple[str, str]:
    """What stands before a part, and the rest folded."""
    head, tail = "".join(parts[:first]), "".join(parts[first:])
    if head.endswith("<p>"):
        head, tail = head.removesuffix("<p>"), f"<p>{tail}"
    else:
        head, tail = f"{head.removesuffix('<br>')}</p>", f"<p>{tail}"
    return head, f'<details class="quoted">{summary}<div>{tail}</div></details>'
