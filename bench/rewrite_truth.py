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
    return browser_links(html) | outlook_links(html)


def browser_links(html: str) -> set[str]:
    """Those of a, area and SVG's a, as every HTML parser finds them."""
    return {url for element in _tree(html).iter() if element.tag in _LINKS for url in _url(element)}


def outlook_links(html: str) -> set[str]:
    """Those that Outlook adds: VML elements, and links in conditional comments."""
    found = set()
    for element in _tree(html + _END).iter():
        if isinstance(element.tag, str):
            if _is_vml(element):
                found |= set(_url(element))
            continue
        text = element.text or ""
        condition = _CONDITIONAL.match(text)
        # A comment that has swallowed the end of the mail was never closed: it is not markup.
        if condition and not text.endswith(_END) and condition[1].strip().lower() != "!mso":
            inner = (e for e in _tree(condition[2]).iter() if e.tag in _LINKS or _is_vml(e))
            found |= {url for element in inner for url in _url(element)}
    return found


def pixel_is_live(html: str, prefix: str) -> bool:
    """Whether exactly one image element whose URL begins so ends up in the tree."""
    images = (e for e in _tree(html).iter() if e.tag == f"{_HTML}img")
    return sum(image.get("src", "").startswith(prefix) for image in images) == 1


def is_web_address(url: str) -> bool:
    """Whether a cleaned URL is absolute, http or https, and has a host."""
    return _WEB.match(url) is not None


def cleaned(url: str) -> str:
    """A URL as its parser reads it: without the white space that it ignores."""
    return url.strip(_ENDS).translate({9: None, 10: None, 13: None})


def _tree(html: str) -> ElementTree.Element:
    # The full tree, because comments before <html> are not below it.
    tree: ElementTree.Element = html5lib.HTMLParser(tree=_FULL_TREE).parse(html)
    return tree


def _is_vml(element: ElementTree.Element) -> bool:
    return isinstance(element.tag, str) and element.tag.rpartition("}")[2].startswith("v:")


def _url(element: ElementTree.Element) -> Iterator[str]:
    url = cleaned(element.get("href", ""))
    if is_web_address(url):
        yield url
