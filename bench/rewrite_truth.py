"""What a mail's links really are, according to html5lib, and whether a pixel would load.

html5lib is the HTML standard's parser written out state by state, so it shares nothing
with the rewriter that it judges. Beside the tree's own links it reads, as Outlook does,
the markup inside conditional comments, and VML elements.
"""

import re
from collections.abc import Iterator
from xml.dom import minidom

import html5lib

_HTML = "http://www.w3.org/1999/xhtml"
_SVG = "http://www.w3.org/2000/svg"
_LINKS = {(_HTML, "a"), (_HTML, "area"), (_SVG, "a")}
_CONDITIONAL = re.compile(r"\[if([^\]>]*)\]>(.*)", re.DOTALL | re.IGNORECASE)
_ENDS = "".join(map(chr, range(33)))
# With a host, and without the characters that the URL standard forbids in one.
_WEB = re.compile(r"https?://[^/?#\\\0-\x20<>^|\x7f\ufffd]+(?=[/?#\\]|\Z)", re.IGNORECASE)
_END = "\x01"


def links(html: str) -> set[str]:
    """The distinct absolute http(s) destinations that some mail client makes clickable."""
    return browser_links(html) | outlook_links(html)


def browser_links(html: str) -> set[str]:
    """Those of a, area and SVG's a, as every HTML parser finds them."""
    return {url for element in _elements(html) if _is_link(element) for url in _url(element)}


def outlook_links(html: str) -> set[str]:
    """Those that Outlook adds: VML elements, and links in conditional comments."""
    found = {url for element in _elements(html) if _is_vml(element) for url in _url(element)}
    for comment in _comments(html + _END):
        condition = _CONDITIONAL.match(comment)
        # A comment that has swallowed the end of the mail was never closed: it is not markup.
        if condition and not comment.endswith(_END) and condition[1].strip().lower() != "!mso":
            inner = (e for e in _elements(condition[2]) if _is_link(e) or _is_vml(e))
            found |= {url for element in inner for url in _url(element)}
    return found


def pixel_is_live(html: str, prefix: str) -> bool:
    """Whether exactly one image element whose URL begins so ends up in the tree."""
    images = (e for e in _elements(html) if (e.namespaceURI, e.localName) == (_HTML, "img"))
    return sum(image.getAttribute("src").startswith(prefix) for image in images) == 1


def is_web_address(url: str) -> bool:
    """Whether a cleaned URL is absolute, http or https, and has a host."""
    return _WEB.match(url) is not None


def cleaned(url: str) -> str:
    """A URL as its parser reads it: without the white space that it ignores."""
    return url.strip(_ENDS).translate({9: None, 10: None, 13: None})


def _nodes(html: str) -> Iterator[minidom.Node]:
    # Not into an ElementTree: html5lib's builder for it loses elements that are moved out of
    # a table, for example the image of <a><dd><table><img></body></table><a>.
    waiting: list[minidom.Node] = [html5lib.parse(html, treebuilder="dom")]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.childNodes


def _elements(html: str) -> Iterator[minidom.Element]:
    return (node for node in _nodes(html) if isinstance(node, minidom.Element))


def _comments(html: str) -> Iterator[str]:
    return (node.data for node in _nodes(html) if isinstance(node, minidom.Comment))


def _is_link(element: minidom.Element) -> bool:
    return (element.namespaceURI, element.localName) in _LINKS


def _is_vml(element: minidom.Element) -> bool:
    return element.tagName.startswith("v:")


def _url(element: minidom.Element) -> Iterator[str]:
    url = cleaned(element.getAttribute("href"))
    if is_web_address(url):
        yield url
