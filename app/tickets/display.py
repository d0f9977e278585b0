"""Message HTML on its way to an agent's screen: always through a sanitizer, a customer's also into a sandboxed frame.

A customer's HTML is stored as it came and cleaned each time it is shown, so that a better sanitizer reaches old
messages too. Cleaning is the first wall; the frame's own Content-Security-Policy is the second: no script, no form,
no request but for images of our own. The frame is a page of its own, not `srcdoc`: that inherits the portal's policy,
which forbids the inline styles that mails are made of.
"""

from __future__ import annotations

import html as html_module
import re
from dataclasses import dataclass

import nh3
from markupsafe import Markup

from app.email.errors import ContentTooLarge
from app.email.markup_limits import check_parsable, names
from app.tickets import folding

SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
"""What a frame may do. Without allow-scripts nothing runs in it; allow-same-origin lets our page measure its height,
and lets its images of ours come with the session."""

_DROPPED = names(
    "applet audio canvas head iframe math noembed noframes noscript object option script select style svg template "
    "textarea title video xmp"
)
_REPLY_TAGS = names("a b blockquote br code div em h1 h2 h3 i img li ol p pre s span strong u ul")
_MAIL_TAGS = _REPLY_TAGS | names(
    "abbr address article aside bdi bdo big caption center cite col colgroup dd del dfn dl dt figcaption figure font "
    "footer h4 h5 h6 header hr ins kbd main mark nav q samp section small strike sub summary sup table tbody td tfoot "
    "th thead time tr tt var wbr"
)
_MAIL_ATTRIBUTES = {
    "*": names("align bgcolor border cellpadding cellspacing color dir height lang style title valign width"),
    "a": names("href"),
    "img": names("alt src"),
    **dict.fromkeys(("div", "pre", "span", "table"), names("class")),
    "td": names("colspan rowspan nowrap"),
    "th": names("colspan rowspan nowrap scope"),
    "ol": names("start type"),
    "font": names("face size"),
    "blockquote": names("type"),
}
_STYLES = names(
    "background-color border border-bottom border-collapse border-color border-left border-radius border-right "
    "border-spacing border-style border-top border-width clear color direction display float font font-family "
    "font-size font-style font-variant font-weight height letter-spacing line-height list-style-type margin "
    "margin-bottom margin-left margin-right margin-top max-width min-width padding padding-bottom padding-left "
    "padding-right padding-top table-layout text-align text-decoration text-indent text-transform vertical-align "
    "white-space width word-break word-spacing word-wrap"
)
_SCHEMES = {"http", "https", "mailto", "tel"}
_OWN_IMAGE = re.compile(r"/attachments/[0-9]{1,10}/inline")
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
_NOISE = re.compile(r"[\x00-\x20]+")

_FRAME_STYLE = """
html { color-scheme: light; background: #fff; }
body { margin: 0; padding: 2px; overflow-wrap: anywhere; color: #1d2529;
  font: 15px/1.5 -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, Cantarell, Ubuntu, "Noto Sans",
    "Liberation Sans", "DejaVu Sans Condensed", system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { body { padding: 10px 12px; } }
img { max-width: 100%; height: auto; }
pre { white-space: pre-wrap; }
blockquote { margin: 0 0 10px; padding-inline-start: 12px; border-inline-start: 2px solid #8b979c; color: #4c585d; }
.portal-note { margin: 0 0 10px; padding: 6px 10px; border: 1px solid #dde3e5; border-radius: 6px; background: #f3f6f7;
  color: #4c585d; font-size: 13px; }
details > summary { display: inline-block; padding: 0 10px; border: 1px solid #dde3e5; border-radius: 4px;
  background: #f3f6f7; color: #4c585d; cursor: pointer; list-style: none; }
details > summary:focus-visible { outline: 2px solid #14708a; outline-offset: 2px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
"""


@dataclass(frozen=True)
class Cleaned:
    """A customer's HTML, safe to put into a frame."""

    html: str
    remote_images: tuple[str, ...]
    """Addresses of images elsewhere, all over https."""


def reply_html(html: str) -> Markup:
    """What an agent wrote, or what we made of plain text, for the page itself."""
    return Markup(_REPLY.clean(html))  # noqa: S704


def text_html(html: str) -> Markup:
    """Like `reply_html` for HTML that `richtext.text_to_html` made, with quoted lines at the end, and the
    signature before them, folded away.
    """
    return Markup(folding.fold_lines(_REPLY.clean(html)))  # noqa: S704


def clean_mail(html: str, *, images_at: str | None = None) -> Cleaned:
    """A customer's HTML by the allow-list for mails: layout and colours stay, nothing active or remote does.

    images_at: where images elsewhere are to be had, with their number behind it; None takes them out.
    Raises ContentTooLarge for markup that would keep the parser busy.
    """
    check_parsable(html)
    remote: list[str] = []

    def keep(tag: str, name: str, value: str) -> str | None:
        if name == "class":
            return folding.signature_class(value)
        if name not in {"href", "src"}:
            return value
        address = _NOISE.sub("", value)
        if tag == "a":
            # A relative link would lead into the portal itself.
            scheme, colon, _ = address.partition(":")
            return value if colon and scheme.lower() in _SCHEMES else None
        if _OWN_IMAGE.fullmatch(address) or _DATA_IMAGE.fullmatch(value):
            return value
        if not address.lower().startswith(("http:", "https:", "//")):
            return None
        remote.append(secure(address))
        return f"{images_at}{len(remote) - 1}" if images_at is not None else None

    cleaned = nh3.clean(
        html,
        tags=set(_MAIL_TAGS),
        clean_content_tags=set(_DROPPED),
        attributes={tag: set(allowed) for tag, allowed in _MAIL_ATTRIBUTES.items()},
        attribute_filter=keep,
        url_schemes=_SCHEMES | {"data"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        filter_style_properties=set(_STYLES),
    )
    return Cleaned(cleaned, tuple(remote))


def remote_images(html: str) -> tuple[str, ...]:
    """Addresses of the images elsewhere, in the order in which `clean_mail` numbers them."""
    try:
        return clean_mail(html).remote_images
    except ContentTooLarge:
        return ()


def secure(address: str) -> str:
    """An image's address over https: nearly all servers have it, and nobody on the way sees what is looked at."""
    scheme, colon, rest = address.partition(":")
    if not colon or address.startswith("//"):
        return f"https:{address}"
    return f"https:{rest}" if scheme.lower() == "http" else address


def frame_document(
    html: str, text: str, *, images_at: str | None = None, ask_at: str = "", always: bool = False
) -> str:
    """The whole page that a message's frame loads; `text` is shown where the HTML cannot be.

    images_at: as for `clean_mail`. ask_at: where the message is, for the links that show its images and remember that;
    '' without such. always: whether they are shown without asking.
    """
    try:
        cleaned = clean_mail(html, images_at=images_at)
    except ContentTooLarge:
        return _document(_note("The formatting of this message is too tangled to show; this is its text."), _pre(text))
    note = ""
    if cleaned.remote_images:
        note = _images_note(len(cleaned.remote_images), is_shown=images_at is not None, ask_at=ask_at, always=always)
    return _document(note, folding.fold_mail(cleaned.html))


def frame_policy(host: str, *, images: bool = False, own: str = "/attachments/") -> str:
    """The Content-Security-Policy of a frame.

    host: the portal's, whose pasted images below the path `own` may be shown, and with `images` those that it fetches.
    """
    sources = f"data: {host}{own}{f' {host}/tickets/' if images else ''}"
    return (
        f"default-src 'none'; img-src {sources}; style-src 'unsafe-inline'; form-action 'none'; "
        f"base-uri 'none'; frame-ancestors 'self'; sandbox {SANDBOX}"
    )


def frame_height(text: str) -> int:
    """About how many pixels a message of this text needs, for browsers in which nothing measures it."""
    lines = sum(1 + len(line) // 80 for line in text.splitlines())
    return min(max(40 + 24 * lines, 80), 640)


def _document(note: str, body: str) -> str:
    return (
        '<!doctype html><html><head><meta charset="utf-8"><title>Message</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{_FRAME_STYLE}</style></head><body dir="auto">{note}{body}</body></html>'
    )


def _note(words: str) -> str:
    return f'<p class="portal-note">{html_module.escape(words)}</p>'


def _images_note(count: int, *, is_shown: bool, ask_at: str, always: bool) -> str:
    if is_shown:
        words = "Remote images come through this portal: the sender does not see you."
        label = "Ask again for this sender" if always else "Always show for this sender"
        link = f'<a href="{ask_at}/images" target="_blank" rel="noopener">{label}</a>'
    else:
        images = f"{count} remote images are" if count > 1 else "One remote image is"
        words = f"{images} not shown, so that the sender does not learn that you read this."
        link = f'<a href="{ask_at}/frame?images=1" target="_self">Show images</a>'
    return f'<p class="portal-note">{html_module.escape(words)} {link if ask_at else ""}</p>'


def _pre(text: str) -> str:
    return f"<pre>{html_module.escape(text)}</pre>"


_REPLY = nh3.Cleaner(
    tags=set(_REPLY_TAGS),
    clean_content_tags=set(_DROPPED),
    attributes={"a": {"href", "title"}, "img": {"src", "alt", "width", "height"}},
    url_schemes=_SCHEMES,
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)
