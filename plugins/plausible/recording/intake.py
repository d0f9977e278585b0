"""Which requests become events: module on, id ours, and how much of one that comes too often is kept."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.services.email import CopyIds
from plugins.plausible.events import Address, Kind, TrackingEvent
from plugins.plausible.links import is_tracking_id
from plugins.plausible.recording import metrics
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.limits import Limit
from plugins.plausible.recording.lookup import Lookup
from plugins.plausible.recording.recorder import BOUNDS, Recorder

log = structlog.get_logger(__name__)

MOST_PER_COPY = 300
"""Events of one copy and minute that are kept one by one; more are counted."""
MOST_PER_ADDRESS = 6000
"""The same of one address; a big provider's proxy fetches for many readers."""
MOST_STRANGE = 600
"""Ids without our mark that one address may ask for in a minute."""
MOST_UNPROVEN = 6000
"""Ids without our mark that the spool takes in a minute while the database cannot be asked for them."""


class Intake:
    """Decides about each request, and counts what became of it.

    wanted: whether events of a kind are recorded now; None while that is not known.
    """

    def __init__(
        self,
        recorder: Recorder,
        lookup: Lookup,
        known: KnownCopies,
        ids: CopyIds,
        *,
        wanted: Callable[[Kind], bool | None],
    ) -> None:
        self._recorder = recorder
        self._lookup = lookup
        self._known = known
        self._ids = ids
        self._wanted = wanted
        self._per_copy = Limit(MOST_PER_COPY)
        self._per_address = Limit(MOST_PER_ADDRESS)
        self._strange = Limit(MOST_STRANGE)
        self._unproven = Limit(MOST_UNPROVEN)

    async def take(self, kind: Kind, tracking_id: str, address: Address, event: Callable[[], TrackingEvent]) -> str:
        """Record one request; what became of it. Never raises.

        event: makes the event, called only where one is kept. Besides the outcomes of
        `Recorder.record`: 'off', 'unknown' and 'folded'.
        """
        try:
            outcome = await self._take(kind, tracking_id, address, event)
        except Exception as error:
            # A fault of ours must not keep anybody from the picture or the page. Without its words: they may hold ids.
            metrics.LOST.inc()
            log.error("an event was lost", kind=kind, error=type(error).__name__)
            outcome = "lost"
        metrics.count(kind, outcome)
        return outcome

    def is_ours(self, tracking_id: str) -> bool:
        """Whether the id is known, or carries our mark; others may be ours too, but nobody is asked here."""
        return self._known.get(tracking_id) is not None or self._ids.is_marked(tracking_id)

    async def _take(self, kind: Kind, tracking_id: str, address: Address, event: Callable[[], TrackingEvent]) -> str:
        wanted = self._wanted(kind)
        if wanted is False:
            return "off"
        unproven = False
        if self._known.get(tracking_id) is None and not self._ids.is_marked(tracking_id):
            if (
                self._ids.should_be_marked(tracking_id)
                or not is_tracking_id(tracking_id)
                or (not address.is_local and self._strange.over(address.full))
            ):
                return "unknown"
            found = None if self._recorder.is_away else await self._lookup.ask(tracking_id, within=BOUNDS[kind])
            if found is False or (found is None and self._unproven.over("")):
                return "unknown"
            unproven = found is None
        folded = self._per_copy.over(tracking_id)
        if not folded and not address.is_local:
            folded = self._per_address.over(address.full)
        outcome = await self._recorder.record(event(), fold=folded, unsure=wanted is None or unproven)
        return "folded" if folded and outcome == "committed" else outcome
