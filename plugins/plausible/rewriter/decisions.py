"""Why a link is tracked or left alone, and where the pixel went: the words of the preview."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """What decided about one link. ``sentence`` says it to an agent."""

    TRACKED = "tracked"
    IN_MAIL = "in-mail"
    SCHEME_RELATIVE = "scheme-relative"
    RELATIVE = "relative"
    OTHER_SCHEME = "other-scheme"
    INVALID = "invalid"
    OPTED_OUT = "opted-out"
    SENSITIVE = "sensitive"
    CREDENTIALS = "credentials"
    ALREADY_TRACKED = "already-tracked"
    OWN = "own"
    UNTRACKED = "untracked"
    VISIBLE_URL = "visible-url"
    LINKS_OFF = "links-off"
    LEFT_BY_CALLER = "left-by-caller"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Reason.TRACKED: "Tracked: an absolute web address.",
    Reason.IN_MAIL: "Not tracked: it jumps to a place within the mail.",
    Reason.SCHEME_RELATIVE: "Not tracked: it begins with // and names no scheme.",
    Reason.RELATIVE: "Not tracked: a relative address leads nowhere from a mail.",
    Reason.OTHER_SCHEME: "Not tracked: only http and https links are.",
    Reason.INVALID: "Not tracked: its host or port is not valid, so a click leads nowhere.",
    Reason.OPTED_OUT: "Not tracked: marked with data-no-track.",
    Reason.SENSITIVE: "Not tracked: this mail is marked sensitive.",
    Reason.CREDENTIALS: "Not tracked: a password stands in the address.",
    Reason.ALREADY_TRACKED: "Not tracked again: already a tracked link.",
    Reason.OWN: "Not tracked: it leads to this portal.",
    Reason.UNTRACKED: "Not tracked: the mail's unsubscribe address.",
    Reason.VISIBLE_URL: "Not tracked: its text is an address, and mail programs warn when the two differ.",
    Reason.LINKS_OFF: "Not tracked: links of this mail are not tracked.",
    Reason.LEFT_BY_CALLER: "Not tracked: no tracking address was given for it.",
}


class PixelPlace(StrEnum):
    """Where the pixel stands. ``sentence`` says it to an agent."""

    OFF = "off"
    EMPTY = "empty"
    BEFORE_BODY_END = "before-body-end"
    BEFORE_HTML_END = "before-html-end"
    BEFORE_DEAD_PART = "before-dead-part"
    END = "end"
    AFTER_BODY_START = "after-body-start"
    START = "start"

    @property
    def sentence(self) -> str:
        return _PLACES[self]


_PLACES = {
    PixelPlace.OFF: "No pixel: opens of this mail are not tracked.",
    PixelPlace.EMPTY: "No pixel: the body is empty.",
    PixelPlace.BEFORE_BODY_END: "Pixel before the last </body>.",
    PixelPlace.BEFORE_HTML_END: "Pixel before </html>; the body has no end tag.",
    PixelPlace.BEFORE_DEAD_PART: "Pixel before a tag or comment that is never closed and hides all after it.",
    PixelPlace.END: "Pixel at the end.",
    PixelPlace.AFTER_BODY_START: "Pixel right after <body>.",
    PixelPlace.START: "Pixel at the start; the body has no <body> tag.",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """One link of the mail, in document order, and what became of it.

    ``url`` is the destination decoded and cleaned ("" without one); ``start`` is the
    offset of its tag in the original HTML; ``text`` is the visible text, shortened.
    """

    element: str
    url: str
    text: str
    start: int
    reason: Reason

    @property
    def tracked(self) -> bool:
        return self.reason is Reason.TRACKED
