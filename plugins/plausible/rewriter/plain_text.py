"""The same for plain text: addresses found in running text, replaced or put back."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from plugins.plausible.rewriter.decisions import Reason
from plugins.plausible.rewriter.rules import LinkRules
from plugins.plausible.rewriter.splicing import Edit, splice
from plugins.plausible.rewriter.wrappers import layers

# Angle brackets delimit an address exactly (RFC 3986, appendix C), white space does otherwise.
_ADDRESS = re.compile(r"(?i)\bhttps?://[^\s<>\"]++")
# Ours may come back glued to a word, and there is no harm in looking at one address too many.
_ANY_ADDRESS = re.compile(r"(?i)https?://[^\s<>\"]++")
_START = re.compile(r"(?i)https?:")
# The next piece of an address that was broken over lines, behind the marks of a quote.
_NEXT_LINE = re.compile(r"\r?\n[ \t>|]*+((?!(?i:https?://))[^\s<>\"]++)")
_MOST_LINES = 40
# In one text: whole lines after an address are what a list looks like too, and each may be the rest of one of ours.
_MOST_JOINS = 2_000
_ENTITY_AMPERSAND = re.compile(r"(?i)&(?:amp;|#38;|#x26;)++")
_QUOTED_PRINTABLE = re.compile(r"=([0-9A-F]{2})")
_PUNCTUATION = ".,;:!?'*)]}"
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class RewrittenText:
    """A rewritten text part; ``links`` are the destinations that were replaced, in order."""

    text: str
    links: list[str]


def rewrite_text(
    text: str,
    *,
    link: Callable[[str], str | None],
    own_urls: Collection[str] = (),
    already_tracked: Callable[[str], bool] | None = None,
    untracked: Collection[str] = (),
    sensitive: bool = False,
    skip_credentials: bool = False,
) -> RewrittenText:
    """Put tracking URLs in the place of the http(s) addresses of a text part.

    The options are those of ``rewrite``. Punctuation that ends a sentence or a bracket
    around an address is not a part of it. Raises ValueError for an own URL that is not absolute.
    """
    rules = LinkRules(
        own_urls=own_urls,
        already_tracked=already_tracked,
        untracked=untracked,
        sensitive=sensitive,
        skip_credentials=skip_credentials,
    )
    edits: list[Edit] = []
    links: list[str] = []
    for start, url in _addresses(text):
        if rules.reason(url) is not Reason.TRACKED:
            continue
        target = link(url)
        if target is not None:
            edits.append(Edit(start, start + len(url), target))
            links.append(url)
    return RewrittenText(splice(text, edits), links)


def restore_text(
    text: str,
    *,
    destination: Callable[[str], str | None],
    is_pixel: Callable[[str], bool] | None = None,
) -> str:
    """Put the original destinations back into an inbound text part; the rest stays as it is.

    destination: as in ``restore``. Mail programs also write our links into text parts that
        they make from quoted HTML, so this matters when only HTML was tracked.
    is_pixel: whether an address goes without a trace, with the brackets around it: that of a pixel
        or of a hidden link, which some programs write out.

    An address that was broken over lines is put together again where ``destination`` knows the whole.
    """
    edits: list[Edit] = []
    done = 0
    budget = _MOST_JOINS

    def edit(start: int, end: int, url: str) -> Edit | None:
        readings = list(readable(url))
        if is_pixel is not None and any(map(is_pixel, readings)):
            return Edit(*_with_brackets(text, start, end), "")
        original = next(filter(None, map(destination, readings)), None)
        return None if original is None else Edit(start, end, original)

    for match in _ANY_ADDRESS.finditer(text):
        start = match.start()
        if start < done:
            continue
        for lines, (end, url) in enumerate(_readings(text, match)):
            if lines and not budget:
                break
            budget -= lines > 0
            if found := edit(start, end, url):
                edits.append(found)
                done = end
                break
        else:
            for offset, url in glued(match[0]):
                if found := edit(start + offset, start + offset + len(url), url):
                    edits.append(found)
    return splice(text, edits)


def glued(address: str) -> Iterator[tuple[int, str]]:
    """The addresses that stand in one without anything between them, each with its place; nothing for a single one."""
    starts = [found.start() for found in _START.finditer(address)]
    if len(starts) > 1:
        for start, end in zip(starts, [*starts[1:], len(address)], strict=True):
            yield start, without_punctuation(address[start:end])


def _readings(text: str, match: re.Match[str]) -> Iterator[tuple[int, str]]:
    """Where the address ends and how it reads: as it stands, then with what follows on the next lines."""
    url = match[0] if _is_bracketed(text, match) else without_punctuation(match[0])
    yield match.start() + len(url), url
    # The "=" at the end of a line is that of a soft line break, or a part of the address.
    joined, soft, end = match[0], match[0].removesuffix("="), match.end()
    for _ in range(_MOST_LINES):
        more = _NEXT_LINE.match(text, end)
        if more is None:
            return
        joined, soft, end = joined + more[1], soft + more[1], more.end()
        for whole in dict.fromkeys((joined, soft)):
            kept = without_punctuation(whole)
            yield end - len(whole) + len(kept), kept
        soft = soft.removesuffix("=")


def readable(url: str) -> Iterator[str]:
    """All that an address may mean: it and what is inside it, also read without the "&amp;" and the quoted-printable
    that careless programs leave in it."""
    yield from layers(url)
    if "&" in url:
        plain = _ENTITY_AMPERSAND.sub("&", url)
        if plain != url:
            yield from layers(plain)
    if "=3D" in url:
        yield from layers(_QUOTED_PRINTABLE.sub(lambda code: chr(int(code[1], 16)), url))


def first_known(url: str, destination: Callable[[str], str | None]) -> str | None:
    """The original destination of an address, however it reads; None for one that is not ours."""
    return next((found for layer in readable(url) if (found := destination(layer)) is not None), None)


def _is_bracketed(text: str, match: re.Match[str]) -> bool:
    return text[match.start() - 1 : match.start()] == "<" and text[match.end() : match.end() + 1] == ">"


def _with_brackets(text: str, start: int, end: int) -> tuple[int, int]:
    """The address with a pair of brackets around it, and with the "![]" of an image in Markdown."""
    around = text[start - 1 : start] + text[end : end + 1]
    if around not in {"<>", "[]", "()"}:
        return start, end
    start, end = start - 1, end + 1
    return (start - 3 if text.endswith("![]", 0, start) else start), end


def _addresses(text: str) -> Iterator[tuple[int, str]]:
    for match in _ADDRESS.finditer(text):
        url = match[0] if _is_bracketed(text, match) else without_punctuation(match[0])
        yield match.start(), url


def without_punctuation(url: str) -> str:
    """An address found in running text without the punctuation of the sentence that it stands in."""
    # What the address ends with may be its own: "…/wiki/Mail_(post)" closes what it opens.
    end = len(url)
    surplus = {close: url.count(close) - url.count(opening) for close, opening in _PAIRS.items()}
    while end and url[end - 1] in _PUNCTUATION:
        last = url[end - 1]
        if last in surplus:
            if surplus[last] <= 0:
                break
            surplus[last] -= 1
        end -= 1
    return url[:end]
