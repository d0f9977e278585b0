"""One copy as recording knows it: its context, the requests for it, and what they were judged to be. Pure.

Nothing here is changed in place: a transaction that is rolled back leaves what was remembered as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugins.plausible.classify import Class, Context, CopyHistory, Judgement, Request, State, Verdict, classify
from plugins.plausible.classify.lookback import HAMMERING
from plugins.plausible.classify.model import PERSONS, READ_FROM
from plugins.plausible.events import OPEN, Kind, TrackingEvent
from plugins.plausible.evidence import as_request
from plugins.plausible.recording.copies import TrackedCopy

WINDOW = 200
"""Requests of one copy that are classified together while its events are stored; of more the first and the last. All
are, a little later, by a job: a flood for one id must not hold up the others."""
FIRST = 50
ALIKE = 12
"""Requests of one copy that differ in nothing but their time: of more the first and the last are kept, because still
more of the same tell nothing new. Eleven in a row show a rhythm, whatever came before."""
LATER = timedelta(seconds=10)
"""When that job sees to a copy with more."""
LOOK_BACK = 8
"""Requests among which the one is looked for that is repeated."""
NOT_JUDGED = Judgement("", Class.BOT, 0.0, "")
"""What an event was judged to be that was stored before there were classes."""
UNJUDGED = Judgement("", Class.BOT, 0.0, "not yet")
"""What a new event is judged to be before it is."""


MERGED_WITHIN: dict[Kind, timedelta] = {"open": timedelta(seconds=10), "click": timedelta(seconds=5)}
"""Requests that differ in nothing but their time, each so soon after the one before, are looked at as one: a mail
program that loads an image twice has not read twice."""
MOST_MERGED = 1000
"""Events behind one such request."""


@dataclass(frozen=True, slots=True)
class Told:
    """One request as it is looked at, for the stored events behind it."""

    request: Request
    """As the first of them came; `repeats` of all."""
    judgement: Judgement
    last_at: datetime
    """When the last of them came."""
    events: int = 1

    def grown(self, request: Request) -> Told:
        """With one more event behind it."""
        merged = replace(self.request, repeats=self.request.repeats + request.repeats)
        return Told(merged, self.judgement, request.at, self.events + 1)


@dataclass(frozen=True, slots=True)
class Tally:
    """Requests by who made them; our own looks are neither."""

    person_opens: int = 0
    machine_opens: int = 0
    person_clicks: int = 0
    machine_clicks: int = 0

    def plus(self, told: Iterable[Told], *, sign: int = 1) -> Tally:
        """With these added, or taken away."""
        person_opens, machine_opens = self.person_opens, self.machine_opens
        person_clicks, machine_clicks = self.person_clicks, self.machine_clicks
        for one in told:
            judgement = one.judgement
            if judgement.kind is Class.SELF or not judgement.rule:
                continue
            count = sign * one.request.repeats
            if judgement.kind in PERSONS:
                if one.request.kind == OPEN:
                    person_opens += count
                else:
                    person_clicks += count
            elif one.request.kind == OPEN:
                machine_opens += count
            else:
                machine_clicks += count
        return Tally(person_opens, machine_opens, person_clicks, machine_clicks)

    def at_least_none(self) -> Tally:
        """Without negative counts, which only a purge between two looks can bring."""
        return Tally(
            max(0, self.person_opens),
            max(0, self.machine_opens),
            max(0, self.person_clicks),
            max(0, self.machine_clicks),
        )

    @property
    def persons(self) -> int:
        """Of both kinds."""
        return self.person_opens + self.person_clicks


@dataclass(frozen=True, slots=True)
class Sums:
    """The row of `email_tracking_recipients`. open_* and click_*: of whatever kind."""

    open_count: int = 0
    first_opened_at: datetime | None = None
    last_opened_at: datetime | None = None
    click_count: int = 0
    first_clicked_at: datetime | None = None
    last_clicked_at: datetime | None = None
    event_count: int = 0
    tally: Tally = Tally()
    first_read_at: datetime | None = None
    last_read_at: datetime | None = None
    state: State = State.NONE
    words: str = ""
    pending_until: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class CopyRecord:
    """A copy with its history.

    missing: the requests that are in `sums` and not in `told`: left out here, or deleted as too old.
    """

    copy: TrackedCopy
    context: Context
    sums: Sums = Sums()
    told: tuple[Told, ...] = ()
    missing: Tally = Tally()
    judged_here: bool = False
    """By the rules of this process, and not only read from the database."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What new events, or a second look, make of a copy."""

    before: CopyRecord
    after: CopyRecord
    stored: tuple[tuple[TrackingEvent, Judgement], ...] = ()
    changed: tuple[tuple[Told, Judgement], ...] = ()
    """What was stored before, and is seen in another light now."""

    @property
    def badge_changed(self) -> bool:
        """Whether the copy shows another state."""
        return self.before.sums.state is not self.after.sums.state


def loaded(copy: TrackedCopy, context: Context, sums: Sums, told: Sequence[Told], *, whole: bool = False) -> CopyRecord:
    """What the database holds of a copy. told: its events as far as they were read, by age."""
    kept = tuple(told) if whole else thinned(told)
    missing = sums.tally.plus(kept, sign=-1).at_least_none()
    return CopyRecord(copy, context, sums, kept, missing)


def thinned(told: Sequence[Told]) -> tuple[Told, ...]:
    """Without those of more than ALIKE requests alike that are neither the first nor among the last."""
    if len(told) <= ALIKE:
        return tuple(told)
    places: defaultdict[object, list[int]] = defaultdict(list)
    for place, one in enumerate(told):
        places[_look(one.request)].append(place)
    dropped = {place for found in places.values() if len(found) > ALIKE for place in found[1 : 1 - ALIKE]}
    return tuple(one for place, one in enumerate(told) if place not in dropped) if dropped else tuple(told)


def add(told: list[Told], request: Request, judgement: Judgement) -> int:
    """Add an event to those that were told, to one that it repeats or as a new one; its place.

    judgement: what it was judged to be; of a new event what it repeats was, and UNJUDGED where it repeats nothing.
    """
    within = MERGED_WITHIN[request.kind]
    for place in range(len(told) - 1, max(-1, len(told) - 1 - LOOK_BACK), -1):
        one = told[place]
        if (
            one.last_at <= request.at <= one.last_at + within
            and (judgement is one.judgement or judgement == one.judgement or judgement is UNJUDGED)
            and one.events < MOST_MERGED
            and _look(one.request) == _look(request)
            and one.request.at.date() == request.at.date()
        ):
            told[place] = one.grown(request)
            return place
    told.append(Told(request, judgement, request.at))
    return len(told) - 1


def _repeated(record: CopyRecord, told: Sequence[Told], places: Sequence[int]) -> Verdict | None:
    """The verdict where new requests only repeat others at once: it is what it was. None where that is not certain.

    How often a request is repeated at once says something only from HAMMERING on, and time only while a click is
    pending.
    """
    if len(told) != len(record.told) or record.sums.pending_until is not None or len(told) > ALIKE:
        return None
    old, last = record.sums, record.sums.last_read_at
    for place in set(places):
        before, one = record.told[place].request.repeats, told[place]
        if before < HAMMERING <= one.request.repeats:
            return None
        if last is not None and _is_persons(one.judgement):
            last = _later(last, one.last_at)
    judgements = tuple(one.judgement for one in told)
    return Verdict(None, old.state, old.words, judgements, old.first_read_at, last)


def _look(request: Request) -> tuple[object, ...]:
    """What of a request is the same when it is repeated."""
    return (
        request.kind, request.user_agent, request.client, request.link, request.method, request.headers,
        request.networks, request.referrer, request.agent_session, request.customer_session,
    )  # fmt: skip


def judge(record: CopyRecord, events: Sequence[TrackingEvent], *, now: datetime, whole: bool = False) -> Outcome:
    """Add events, classify all that is known of the copy again, and sum it up.

    now: aware. whole: `record` holds every event that there is, however many; they are not cut down here.
    """
    told = list(record.told)
    places = [add(told, as_request(event), UNJUDGED) for event in events]
    verdict = _repeated(record, told, places) if events and record.judged_here else None
    if verdict is None:
        verdict = classify(CopyHistory(record.context, [one.request for one in told]), now=now)
    judged = verdict.requests
    changed = tuple(
        (one, new)
        for one, new in zip(record.told, judged, strict=False)
        if one.judgement is not new and one.judgement != new
    )
    told = [
        one if one.judgement is new else Told(one.request, new, one.last_at, one.events)
        for one, new in zip(told, judged, strict=True)
    ]
    missing, kept, cut = record.missing, tuple(told), False
    tally = missing.plus(kept)
    if len(kept) > ALIKE and not whole:
        kept = thinned(told)
        cut = len(kept) > WINDOW
        if cut:
            kept = kept[:FIRST] + kept[FIRST - WINDOW :]
        if len(kept) < len(told):
            held = set(map(id, kept))
            missing = missing.plus(one for one in told if id(one) not in held)
    sums = _summed(record, events, told, tally, verdict, cut=cut, now=now)
    after = CopyRecord(record.copy, record.context, sums, kept, missing, judged_here=True)
    stored = tuple((event, judged[place]) for event, place in zip(events, places, strict=True))
    return Outcome(record, after, stored, changed)


def _summed(
    record: CopyRecord,
    events: Sequence[TrackingEvent],
    told: Sequence[Told],
    tally: Tally,
    verdict: Verdict,
    *,
    cut: bool,
    now: datetime,
) -> Sums:
    old = record.sums
    opens, first_open, last_open = old.open_count, old.first_opened_at, old.last_opened_at
    clicks, first_click, last_click = old.click_count, old.first_clicked_at, old.last_clicked_at
    for event in events:
        at = event.occurred_at
        if event.kind == OPEN:
            opens += event.repeats
            first_open, last_open = _earlier(first_open, at), _later(last_open, at)
        else:
            clicks += event.repeats
            first_click, last_click = _earlier(first_click, at), _later(last_click, at)
    state, words = verdict.state, verdict.words
    first_read, last_read = verdict.first_read_at, _last_read(told, verdict.last_read_at)
    if record.missing.persons and old.first_read_at is not None:
        # What is not looked at any more made the mail read, and nothing takes that back.
        first_read = _earlier(first_read, old.first_read_at)
        last_read = _later(last_read, old.last_read_at or old.first_read_at)
        if state in (State.NONE, State.MACHINE):
            state, words = State.READ, old.words
    pending = verdict.pending_until if verdict.pending_until is not None and verdict.pending_until > now else None
    if cut and events:
        pending = _earlier(pending, now + LATER)
    return Sums(
        open_count=opens,
        first_opened_at=first_open,
        last_opened_at=last_open,
        click_count=clicks,
        first_clicked_at=first_click,
        last_clicked_at=last_click,
        event_count=old.event_count + len(events),
        tally=tally,
        first_read_at=first_read,
        last_read_at=last_read,
        state=state,
        words=words[:200],
        pending_until=pending,
        version=old.version + 1,
    )


def _last_read(told: Sequence[Told], proof: datetime | None) -> datetime | None:
    """When the last of the requests came that repeat a proof of reading. proof: when the last proof itself came."""
    if proof is None:
        return None
    return max((one.last_at for one in told if one.request.at <= proof and _is_persons(one.judgement)), default=proof)


def _is_persons(judgement: Judgement) -> bool:
    return judgement.kind in PERSONS and judgement.confidence >= READ_FROM


def _earlier(known: datetime | None, moment: datetime) -> datetime:
    return moment if known is None or moment < known else known


def _later(known: datetime | None, moment: datetime) -> datetime:
    return moment if known is None or moment > known else known
