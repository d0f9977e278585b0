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


def restore_text(text: str, *, destination: Callable[[str], str | None]) -> str:
    """Put the original destinations back into an inbound text part; the rest stays as it is.

    destination: as in ``restore``. Mail programs also write our links into text parts that
    they make from quoted HTML, so this matters when only HTML was tracked.
    """
    edits = []
    for start, url in _addresses(text):
        original = next((o for layer in layers(url) if (o := destination(layer)) is not None), None)
        if original is not None:
            edits.append(Edit(start, start + len(url), original))
    return splice(text, edits)


def _addresses(text: str) -> Iterator[tuple[int, str]]:
    for match in _ADDRESS.finditer(text):
        url, end = match[0], match.end()
        if text[match.start() - 1 : match.start()] != "<" or text[end : end + 1] != ">":
            url = _without_punctuation(url)
        yield match.start(), url


def _without_punctuation(url: str) -> str:
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
