"""What a mail's links really are, according to html5lib, and whether a pixel would load.

html5lib is the HTML standard's parser written out state by state, so it shares nothing
with the rewriter that it judges. Beside the tree's own links it reads, as Outlook does,
the markup inside conditional comments, and VML elements.
"""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import html5lib

_HTML = "{http://www.w3.org/1999/xhtml}"
_SVG = "{http://www.w3.org/2000/svg}"
_LINKS = {f"{_HTML}a", f"{_HTML}area", f"{_SVG}a"}
_CONDITIONAL = re.compile(r"\[if([^\]>]*)\]>(.*)", re.DOTALL | re.IGNORECASE)
_ENDS = "".join(map(chr, range(33)))
# With a host, and without the characters that the URL standard forbids in one.
_WEB = re.compile(r"https?://[^/?#\\\0-\x20<>^|\x7f\ufffd]+(?=[/?#\\]|\Z)", re.IGNORECASE)
_FULL_TREE = html5lib.getTreeBuilder("etree", fullTree=True)
_END = "\x01"


def links(html: str) -> set[str]:
    """The distinct absolute http(s) destinations that some mail client makes clickable."""
    found = set()
    for element in _tree(html + _END).iter():
        if not isinstance(element.tag, str):  # a comment, or a processing instruction
            text = element.text or ""
            condition = _CONDITIONAL.match(text)
            # A comment that has swallowed the end of the mail was never closed: it is not markup.
            if condition and not text.endswith(_END) and condition[1].strip().lower() != "!mso":
                found |= {url for inner in _tree(condition[2]).iter() for url in _urls(inner)}
        else:
            found |= set(_urls(element))
    return found


def pixel_is_live(html: str, url: str) -> bool:
    """Whether exactly one image element with that URL ends up in the tree."""
    images = (e for e in _tree(html).iter() if e.tag == f"{_HTML}img")
    return sum(image.get("src") == url for image in images) == 1


def _tree(html: str) -> ElementTree.Element:
    # The full tree, because comments before <html> are not below it.
    tree: ElementTree.Element = html5lib.HTMLParser(tree=_FULL_TREE).parse(html)
    return tree


def _urls(element: ElementTree.Element) -> Iterator[str]:
    tag = element.tag
    if not isinstance(tag, str) or not (tag in _LINKS or tag.startswith(f"{_HTML}v:")):
        return
    url = element.get("href", "").strip(_ENDS).translate({9: None, 10: None, 13: None})
    if _WEB.match(url):
        yield url
