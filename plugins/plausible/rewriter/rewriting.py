"""Put tracked links and the pixel into a mail's HTML, and change nothing else."""

import re
from bisect import insort
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Literal

from plugins.plausible.rewriter import grammar
from plugins.plausible.rewriter.attributes import attributes, decode, encode, first
from plugins.plausible.rewriter.decisions import Decision, PixelPlace, Reason
from plugins.plausible.rewriter.destinations import clean
from plugins.plausible.rewriter.rules import LinkRules, why_no_web_address
from plugins.plausible.rewriter.scanner import Scan
from plugins.plausible.rewriter.splicing import Edit, splice
from plugins.plausible.rewriter.visible_text import shows_url, visible_text

PixelPosition = Literal["auto", "end", "start"]

# Gmail shows about 102 kB of a body and cuts the rest off, a pixel at the end with it.
_CLIPPED_FROM = 90_000

# A pixel that is loaded like any image, takes no room and is not read aloud. It must not be
# display:none: several clients do not load what they do not lay out.
_PIXEL = (
    '<img src="{}" width="1" height="1" alt="" role="presentation" style="display:block;width:1px;height:1px;border:0">'
)

# A link for mail scanners only. Without content nothing of it shows where a client drops the style; what is not laid
# out takes no focus (HTML Standard, "being rendered"), the attributes say so again to what reads mails aloud.
_TRAP = '<a href="{}" aria-hidden="true" tabindex="-1" style="display:none;font-size:0;line-height:0;mso-hide:all"></a>'

# A body without <body> that still has a head: nothing visible may go before it.
_HAS_HEAD = re.compile(r"(?ai)\ufeff?+\s*+(?:<\?[^>]*+>\s*+)?+<(?:!doctype|html|head|meta|title|base|link)\b")


class Destination(str):
    """A destination decoded and cleaned, which remembers how the author wrote it.

    ``written`` is the value as it stood in the HTML (``&amp;`` or ``&``, white space and
    all), so that ``restore`` can put back the very same characters.
    """

    __slots__ = ("written",)

    written: str

    def __new__(cls, url: str, written: str) -> "Destination":
        made = super().__new__(cls, url)
        made.written = written
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return str(self), self.written


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A rewritten body.

    ``links`` are the original destinations that were replaced, entities decoded, in order.
    ``pixel`` tells where the pixel went, ``trap`` whether the hidden link was put in (before it);
    ``decisions`` is filled on request (``explain``).
    """

    html: str
    links: list[str]
    pixel: PixelPlace = PixelPlace.OFF
    decisions: list[Decision] = field(default_factory=list)
    trap: bool = False


def rewrite(
    html: str,
    *,
    link: Callable[[str], str | None] | None,
    pixel_url: str | None,
    own_urls: Collection[str] = (),
    already_tracked: Callable[[str], bool] | None = None,
    untracked: Collection[str] = (),
    sensitive: bool = False,
    skip_credentials: bool = False,
    skip_visible_url: bool = False,
    pixel_position: PixelPosition = "end",
    trap_url: str | None = None,
    explain: bool = False,
) -> Rewritten:
    """Give links their tracking URLs and add the pixel; every other character stays.

    link: gives the tracking URL for a destination, or None to leave that link alone. It is
        called once per link with an absolute http(s) URL, references decoded and cleaned
        as a browser does it. ``link=None`` leaves all links, ``pixel_url=None`` the pixel.
    own_urls: base URLs of the portal. Links with the same scheme, host and port are left.
    already_tracked: tells of a URL whether it is a tracking URL, which is left.
    untracked: destinations to leave, compared exactly: those of List-Unsubscribe.
    sensitive: leave every link, for mails with login, reset and magic links.
    skip_credentials: leave links with a password in them (``https://user:secret@host/``).
    skip_visible_url: leave links whose visible text is a URL, because mail clients warn
        when that text and the destination differ.
    pixel_position: "end" is before the last ``</body>``; "start" after ``<body>``; "auto"
        is "start" for bodies over 90 kB, which Gmail cuts off before their end.
    trap_url: where a hidden link leads that only machines follow; it stands where the pixel does,
        right before it, also in a mail without pixel.
    explain: also collect a decision for each link.

    A link with the attribute ``data-no-track`` is left alone, and the attribute removed.
    An empty or white-space-only body is returned as it is. Takes time linear in
    ``len(html)``. Raises ValueError for an own URL that is not absolute.
    """
    if not html or html.isspace():
        return Rewritten(html, [], PixelPlace.OFF if pixel_url is None else PixelPlace.EMPTY)
    rules = LinkRules(
        links_off=link is None,
        own_urls=own_urls,
        already_tracked=already_tracked,
        untracked=untracked,
        sensitive=sensitive,
        skip_credentials=skip_credentials,
    )
    edits: list[Edit] = []
    links: list[str] = []
    decisions: list[Decision] = []
    scan = Scan(html)
    for found in scan:
        kind = found.lastindex or grammar.AT
        tag_start = found.end(grammar.AT)
        if kind == grammar.TAG:
            edits += _without_opt_out(html, tag_start, found.end())
            if explain:
                decisions += _explain_unreplaceable(html, tag_start, found.end())
            continue
        written = found[kind]
        url = clean(decode(written) if "&" in written or "\0" in written else written)
        reason = rules.reason(url)
        if reason is Reason.TRACKED and skip_visible_url and shows_url(html, tag_start, found.end(), url):
            reason = Reason.VISIBLE_URL
        if reason is Reason.TRACKED and link is not None:
            destination = Destination(url, written)
            target = link(destination)
            if target is None:
                reason = Reason.LEFT_BY_CALLER
            else:
                links.append(destination)
                edits.append(Edit(*found.span(kind), encode(target, grammar.QUOTES[kind])))
        if explain:
            decisions.append(_explain(html, tag_start, found.end(), url, reason))

    place = PixelPlace.OFF
    if pixel_url is not None or trap_url is not None:
        at_start = pixel_position == "start" or (pixel_position == "auto" and _size(html, edits) > _CLIPPED_FROM)
        there, offset = _pixel_place(scan, at_start=at_start)
        trap = "" if trap_url is None else _TRAP.format(encode(trap_url, '"'))
        pixel = "" if pixel_url is None else _PIXEL.format(encode(pixel_url, '"'))
        insort(edits, Edit(offset, offset, trap + pixel))
        place = PixelPlace.OFF if pixel_url is None else there
    return Rewritten(splice(html, edits), links, place, decisions, trap=trap_url is not None)


def _without_opt_out(html: str, tag_start: int, tag_end: int) -> list[Edit]:
    """The edits that take ``data-no-track`` out of a tag and leave it as it reads otherwise."""
    edits = []
    for attribute in attributes(html, tag_start, tag_end):
        if attribute.name != grammar.OPT_OUT:
            continue
        start, end = attribute.start, attribute.end
        following = html[grammar.end_of_white_space(html, end)]
        # Whatever follows must not become a part of what stands before: <a title=x data-no-track/>
        # would get the title "x/", and <a b data-no-track =c> would give the "=c" to b.
        if following == "=":
            continue
        if html[end] in grammar.WHITE_SPACE or html[end] == ">":
            while html[start - 1] in grammar.WHITE_SPACE:
                start -= 1
        edits.append(Edit(start, end, ""))
    return edits


def _pixel_place(scan: Scan, *, at_start: bool) -> tuple[PixelPlace, int]:
    if at_start and scan.body_start >= 0:
        return PixelPlace.AFTER_BODY_START, scan.body_start
    if at_start and not _HAS_HEAD.match(scan.html):
        return PixelPlace.START, 1 if scan.html.startswith("\ufeff") else 0
    if scan.body_end >= 0:
        return PixelPlace.BEFORE_BODY_END, scan.body_end
    if scan.html_end >= 0:
        return PixelPlace.BEFORE_HTML_END, scan.html_end
    if scan.live_end < len(scan.html):
        return PixelPlace.BEFORE_DEAD_PART, scan.live_end
    return PixelPlace.END, scan.live_end


def _size(html: str, edits: list[Edit]) -> int:
    """Size in UTF-8 bytes of the body with these edits (which are ASCII nearly always)."""
    size = len(html) if html.isascii() else len(html.encode("utf-8", "surrogatepass"))
    return size + sum(len(edit.new) - (edit.end - edit.start) for edit in edits)


def _explain(html: str, tag_start: int, tag_end: int, url: str, reason: Reason) -> Decision:
    name = grammar.TAG_NAME.match(html, tag_start, tag_end)
    element = name[1].lower() if name else ""
    return Decision(element, url, visible_text(html, tag_start, tag_end), tag_start, reason)


def _explain_unreplaceable(html: str, tag_start: int, tag_end: int) -> list[Decision]:
    """The decision about a link without a href value or with an opt-out; none for ``<a name>``."""
    found = attributes(html, tag_start, tag_end)
    href = first(found, "href")
    if href is None:
        return []
    url = clean(decode(html[href.value_start : href.value_end]))
    opted_out = first(found, grammar.OPT_OUT) is not None
    reason = Reason.OPTED_OUT if opted_out else why_no_web_address(url)
    return [_explain(html, tag_start, tag_end, url, reason)]
