"""Why Plausible counts something else than was sent: the likely cause, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from plugins.plausible.readback.reading import Line, Reading
from plugins.plausible.settings import VisitorMode

CLOUD = "https://plausible.io"
SOON = timedelta(minutes=2)
"""How long an event may be on its way into Plausible's counts."""
ONE_VISITOR = 20
"""Events of one day from which a single visitor is strange."""


@dataclass(frozen=True)
class Sent:
    """How events are sent now."""

    base_url: str
    site: str
    zone: str
    visitors: VisitorMode
    names: Sequence[str]

    @property
    def is_cloud(self) -> bool:
        """Whether it goes to Plausible's own cloud."""
        return self.base_url == CLOUD


@dataclass(frozen=True)
class Verdict:
    """What to think of one line. is_fine: both sides agree, or the difference is explained and harmless."""

    line: Line
    is_fine: bool
    causes: Sequence[str]


def verdicts(reading: Reading, sent: Sent) -> list[Verdict]:
    """Of each line, newest day first."""
    return [_verdict(line, reading, sent) for line in reading.lines]


def notes(reading: Reading, sent: Sent) -> list[str]:
    """What is wrong on the whole, each with the way out."""
    found = [words for words in (_zone(reading, sent), _nothing(reading, sent), _one_visitor(reading, sent)) if words]
    missing = [name for name, known in reading.goals.items() if known is False and name in sent.names]
    if missing:
        names = " and ".join(f"“{name}”" for name in missing)
        found.append(
            f"Plausible counts {names}, but its pages do not show {'it' if len(missing) == 1 else 'them'}, because no "
            "goal of exactly that name exists: set the goals up below"
        )
    return found


def _verdict(line: Line, reading: Reading, sent: Sent) -> Verdict:
    causes = []
    difference, perhaps = line.difference, line.ambiguous
    is_today = line.day == reading.last
    is_fine = 0 <= difference <= perhaps
    if is_fine and perhaps:
        causes.append(_of_ambiguous(difference, perhaps))
    elif difference > perhaps:
        is_fine, words = _more(line, reading, sent)
        causes += words
    elif difference < 0:
        is_fine, words = _less(line, reading, sent)
        causes += words
    if line.dropped:
        causes.append(f"{_events(line.dropped)} dropped, so not counted: {dropped(sent)}")
    if line.rejected:
        causes.append(f"{_events(line.rejected)} rejected, so not counted: the account above has Plausible's words")
    if is_today and not is_fine:
        causes.append("the day is not over: what comes next may even it out")
    return Verdict(line, is_fine, causes)


def _of_ambiguous(counted: int, perhaps: int) -> str:
    if not counted:
        return f"none of the {perhaps:,} sent without an answer counts"
    return f"{counted:,} of the {perhaps:,} sent without an answer {'counts' if counted == 1 else 'count'}"


def _more(line: Line, reading: Reading, sent: Sent) -> tuple[bool, list[str]]:
    extra = line.difference - line.ambiguous
    found = [_of_ambiguous(line.ambiguous, line.ambiguous)] if line.ambiguous else []
    shifted = _shifted(line, reading)
    if shifted:
        return False, [*found, shifted]
    if not line.accepted and not line.ambiguous:
        return False, [*found, "nothing of it is ours: something else sends events of this name to the site"]
    return False, [
        *found,
        f"{_events(extra)} more than we sent: something else sends events of this name to the site, such as a second "
        "portal, a trial or a test by hand; or this portal's database was set back to an older state",
    ]


def _less(line: Line, reading: Reading, sent: Sent) -> tuple[bool, list[str]]:
    missing = -line.difference
    is_recent = line.accepted_at is not None and reading.read_at - line.accepted_at <= SOON
    if is_recent and missing <= reading.lately:
        return True, ["on their way: Plausible shows an event some seconds after it took it. Refresh in a minute"]
    shifted = _shifted(line, reading)
    if shifted:
        return False, [shifted]
    if not any(one.counted for one in reading.lines):
        return False, ["see above"]
    return False, [
        f"{_events(missing)} that Plausible said yes to are not there: the Base URL or the site domain was another one "
        "on that day, the site's statistics were reset there, or its database lost them"
    ]


def _shifted(line: Line, reading: Reading) -> str:
    """Where a neighbouring day of the same name has the difference the other way round."""
    for other in reading.lines:
        if other.name != line.name or abs((other.day - line.day).days) != 1:
            continue
        if line.difference * other.difference < 0 and abs(line.difference + other.difference) <= (
            line.ambiguous + other.ambiguous
        ):
            side = "before" if other.day < line.day else "after"
            return f"the day {side} has the difference the other way round: the days begin at another time at Plausible"
    return ""


def dropped(sent: Sent, *, is_known: bool = True) -> str:
    """Why Plausible may have dropped events. is_known: whether it is certain that it knows the site."""
    if not is_known:
        return (
            f"Plausible does not know a site of exactly this name, {sent.site}; or a shield under its Site settings → "
            "Shields, a limit or a lapsed plan keeps the events out"
        )
    if sent.is_cloud and sent.visitors == "none":
        return (
            "Plausible's cloud drops what comes from data centres, and with Visitors set to none the portal's own "
            "address counts; choose another setting of Visitors"
        )
    if sent.visitors == "real":
        return (
            "with Visitors set to real, what readers' programs and networks are counts, and Plausible drops those of "
            "Gmail, Yahoo and data centres as robots; anonymous avoids it. Or a shield of the site"
        )
    return (
        f"look at Plausible under Site settings → Shields for rules on the host {sent.site.partition('/')[0]}, the "
        "pages /email/… or addresses; or the site was new, has a limit, or its plan lapsed"
    )


def _zone(reading: Reading, sent: Sent) -> str:
    if reading.offsets is None:
        return ""
    zone = ZoneInfo(sent.zone)
    ends = (datetime.combine(reading.first, time.min, zone), datetime.combine(reading.last, time(23, 59, 59), zone))
    for end, theirs in zip(ends, reading.offsets, strict=True):
        ours = int((end.utcoffset() or timedelta()).total_seconds() // 60)
        if ours != theirs:
            return (
                f"The site's days begin at another time at Plausible ({_offset(theirs)}) than the setting Time zone of "
                f"the site says ({sent.zone}, {_offset(ours)}), so events count on other days: set it as it is there, "
                "under Site settings → General"
            )
    return ""


def _nothing(reading: Reading, sent: Sent) -> str:
    accepted = sum(one.accepted for one in reading.lines if not _may_be_on_its_way(one, reading))
    if not accepted or any(one.counted for one in reading.lines):
        return ""
    return (
        f"Plausible took {_events(accepted)} and counts none of them for {sent.site}: the API key reads another "
        "Plausible or site than the events go to, its statistics were reset, or its database does not keep up"
    )


def _may_be_on_its_way(line: Line, reading: Reading) -> bool:
    return line.accepted_at is not None and reading.read_at - line.accepted_at <= SOON


def _one_visitor(reading: Reading, sent: Sent) -> str:
    strange = [one for one in reading.lines if one.counted >= ONE_VISITOR and one.visitors == 1]
    if not strange or sent.visitors == "none":
        return ""
    events = f"On {strange[0].day:%-d %b} Plausible counts {_events(strange[0].counted)} as one visitor"
    if sent.is_cloud:
        return f"{events}: its cloud tells visitors apart only with Visitors set to real"
    return (
        f"{events}. Where several people read, a proxy in front of Plausible replaces the address that we send: let it "
        "pass X-Plausible-IP, or trust X-Forwarded-For from this server"
    )


def _offset(minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _events(count: int) -> str:
    return f"{count:,} event" + ("" if count == 1 else "s")
