"""What the module would do to a mail, for people who want to see it before they send one. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.plausible.links import LONGEST, Links
from plugins.plausible.rewriter import Decision, Reason
from plugins.plausible.rewriter.destinations import parse
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.tracking import track_html

SAMPLE_ID = "sample-of-a-copy-that-is-never-sent-0000000"
"""As long as a real tracking id, so that the sizes are right; no copy ever has it."""
MOST_HTML = 512_000
"""Characters that may be pasted."""
MOST_ROWS = 500
MOST_SHOWN = 300
"""Characters of an address that are shown."""

# The frame's document carries its own rules, whatever the page around it allows: nothing is loaded, nothing runs.
FRAME_CSP = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_FRAME_HEAD = (
    f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{FRAME_CSP}">'
    '<meta name="referrer" content="no-referrer">'
)


@dataclass(frozen=True)
class Row:
    """One link: where it leads, what the reader sees of it, and what is decided about it in words."""

    url: str
    text: str
    tracked: bool
    word: str
    reason: str


@dataclass(frozen=True)
class Preview:
    """A pasted mail as it would go out."""

    rows: tuple[Row, ...]
    """The first MOST_ROWS links in the order of the mail."""
    links: int
    tracked: int
    pixel: str
    """Where the pixel goes, or why there is none."""
    trap: bool
    """Whether the hidden link for mail scanners is in it."""
    html: str
    """The source that would be sent."""
    frame: str
    """The same as a document that can be shown in a sandboxed frame."""


def preview(html: str, *, links: Links, settings: PlausibleSettings) -> Preview:
    """Track a sample copy of `html` as a delivery would with these settings."""
    done = track_html(html, tracking_id=SAMPLE_ID, links=links, settings=settings, explain=True)
    # A delivery with both switched off does not touch the mail at all.
    sent = done.html if settings.track_opens or settings.track_clicks else html
    return Preview(
        rows=tuple(_row(decision) for decision in done.decisions[:MOST_ROWS]),
        links=len(done.decisions),
        tracked=sum(decision.tracked for decision in done.decisions),
        pixel=done.pixel.sentence,
        trap=done.trap,
        html=sent,
        frame=_FRAME_HEAD + sent,
    )


def _row(decision: Decision) -> Row:
    word, _, reason = _sentence(decision).partition(": ")
    url = decision.url if len(decision.url) <= MOST_SHOWN else decision.url[:MOST_SHOWN] + "…"
    return Row(url, decision.text, decision.tracked, word, reason[:1].upper() + reason[1:])


def _sentence(decision: Decision) -> str:
    if decision.reason is not Reason.LEFT_BY_CALLER:
        return decision.reason.sentence
    # `Links.click` gave no address; the rules are those of `links.is_allowed`.
    if len(decision.url) > LONGEST:
        return f"Not tracked: it is longer than {LONGEST:,} characters."
    address = parse(decision.url)
    if address is not None and address.user is not None:
        return "Not tracked: a user name stands in the address."
    return "Not tracked: it holds characters that no click may lead to."
