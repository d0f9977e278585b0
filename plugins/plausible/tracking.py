"""What the settings make of one copy's bodies; the same for a real delivery and for the preview. Pure."""

from __future__ import annotations

from collections.abc import Collection

from plugins.plausible.links import Links
from plugins.plausible.rewriter import Rewritten, RewrittenText, rewrite, rewrite_text
from plugins.plausible.settings import PlausibleSettings


def track_html(
    html: str,
    *,
    tracking_id: str,
    links: Links,
    settings: PlausibleSettings,
    untracked: Collection[str] = (),
    sensitive: bool = False,
    explain: bool = False,
) -> Rewritten:
    """Put one recipient's links and pixel into the HTML, as far as the settings want them.

    untracked: the URLs of List-Unsubscribe; sensitive: the mail carries a login or reset link; explain: also say of
    each link why it is tracked or not.
    """
    return rewrite(
        html,
        link=(lambda url: links.click(tracking_id, url)) if settings.track_clicks else None,
        pixel_url=links.pixel(tracking_id) if settings.track_opens else None,
        own_urls=(links.portal_url,),
        already_tracked=links.is_ours,
        untracked=untracked,
        sensitive=sensitive,
        skip_credentials=True,
        skip_visible_url=settings.skip_visible_url,
        pixel_position=settings.pixel_position,
        trap_url=links.trap_click(tracking_id) if settings.has_trap else None,
        explain=explain,
    )


def track_text(
    text: str,
    *,
    tracking_id: str,
    links: Links,
    settings: PlausibleSettings,
    untracked: Collection[str] = (),
    sensitive: bool = False,
) -> RewrittenText | None:
    """Put one recipient's links into the text part; None where the settings leave that part alone."""
    if not (settings.track_clicks and settings.track_text_links):
        return None
    return rewrite_text(
        text,
        link=lambda url: links.click(tracking_id, url),
        own_urls=(links.portal_url,),
        already_tracked=links.is_ours,
        untracked=untracked,
        sensitive=sensitive,
        skip_credentials=True,
    )
