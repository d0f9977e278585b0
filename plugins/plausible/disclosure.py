"""What the module tells people of itself, made from the settings in force. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from app.hookspecs import Paragraph
from plugins.plausible.addresses import AddressMode
from plugins.plausible.settings import PlausibleSettings

TITLE = "Whether our mails are read"
ADDRESSES: dict[AddressMode, str] = {
    "full": "We store the IP address of the device or mail service that asked.",
    "cut": "Of the IP address we store only the network (the first three of four parts of an IPv4 address, the first "
    "48 bits of an IPv6 address).",
    "hash": "We do not store the IP address, only a code computed from its network with a secret key. The code differs "
    "from mail to mail, so that it cannot link them.",
    "none": "We do not store the IP address.",
}


def paragraphs(settings: PlausibleSettings, *, enabled: bool) -> Sequence[Paragraph]:
    """What is recorded, how much of it for how long, and what leaves the portal."""
    told = [Paragraph(TITLE, f"{_what(settings, enabled=enabled)} {_how_much(settings)} {_how_long(settings)}")]
    if not enabled:
        return told
    told.append(Paragraph("What other services get", _sync(settings)))
    if settings.page_analytics != "off":
        told.append(Paragraph("Visits to our pages", _pages(settings)))
    return told


def _what(settings: PlausibleSettings, *, enabled: bool) -> str:
    if not enabled or not (settings.track_opens or settings.track_clicks):
        return (
            "We do not record whether our mails are opened or which links in them are followed. Records of earlier "
            "mails are kept as follows."
        )
    kinds = []
    if settings.track_opens:
        kinds.append("a small invisible image, which your mail program loads when it shows the mail")
    if settings.track_clicks:
        kinds.append("links that lead through our server first")
    what = " and ".join(
        word
        for word, on in (("when it was opened", settings.track_opens),
                         ("which links in it were followed and when", settings.track_clicks))
        if on
    )  # fmt: skip
    return (
        f"Replies that we send you by mail may hold {', and '.join(kinds)}. From this we learn {what}, so that we know "
        f"whether our answer has reached you. No cookies are used for this. {_choice(settings)}"
    )


def _choice(settings: PlausibleSettings) -> str:
    """Who is asked, and how people say no."""
    if settings.track_by_default == "off":
        who = "We do this only for some of our mails."
    elif settings.track_unknown:
        who = "We do not do this for mails to you if you have told us that you do not want it."
    else:
        who = "We do this if you have allowed it, or if one of us has turned it on for a single mail."
    how = (
        "You can turn it off at any time, by the link at the end of such a mail or by telling us."
        if settings.opt_out_link
        else "You can turn it off at any time by telling us."
    )
    return f"{who} {how}"


def _how_much(settings: PlausibleSettings) -> str:
    days = settings.keep_agents_days
    return (
        f"{ADDRESSES[settings.ip_mode]} What your mail program or browser says of itself is kept in full for {days} "
        f"{'day' if days == 1 else 'days'}; after that only the program's name and version remain."
    )


def _how_long(settings: PlausibleSettings) -> str:
    if not settings.keep_days:
        return "These records are kept until you ask us to erase them."
    days = settings.keep_days
    return (
        f"Single records are deleted after {days} {'day' if days == 1 else 'days'}; that a mail was read, and how "
        "often, stays with the mail."
    )


def _sync(settings: PlausibleSettings) -> str:
    if not settings.send_to_plausible:
        return "Nothing about opened mails or followed links is passed on to others."
    host = urlsplit(settings.base_url).hostname or settings.base_url
    told = (
        f"That a mail was opened or a link was followed is passed on to the analytics service at {host}, without your "
        "name, your mail address and the content of mails."
    )
    if settings.visitor_mode == "real" and settings.ip_mode == "full":
        return f"{told} The IP address and the browser's name of the device that asked go with it."
    if settings.visitor_mode == "none":
        return told
    return f"{told} A code computed with a secret key stands for you; it is another one each day."


def _pages(settings: PlausibleSettings) -> str:
    host = urlsplit(settings.base_url).hostname or settings.base_url
    which = "our pages" if settings.page_analytics == "all" else "those of our pages that need no login"
    what = (
        f"We count visits to {which} with the analytics service at {host}, without cookies. It is told the kind of "
        "page, but no number, name or title, the site that led you here, and how far and how long you read."
    )
    if not settings.page_proxy:
        who = "Your browser connects to that service, which so learns your IP address and your browser's name."
    elif settings.visitor_mode == "none":
        who = "This goes by our own server, which passes it on without your IP address and your browser's name."
    elif settings.visitor_mode == "real" and settings.ip_mode == "full":
        who = "This goes by our own server. Your IP address and your browser's name go with it."
    else:
        who = (
            "This goes by our own server, which passes it on with your browser's name and without your IP address. A "
            "code computed from that with a secret key stands for you; it is another one each day."
        )
    wish = "If your browser asks not to be tracked (Do Not Track, Global Privacy Control), none of it happens."
    return f"{what} {who} {wish}"
