"""Which requests become events: module on, id ours, and how much of one that comes too often is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

import structlog

from app.services.email import CopyIds
from plugins.plausible.events import Address, Kind, TrackingEvent
from plugins.plausible.links import is_tracking_id
from plugins.plausible.recording import metrics
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.limits import Limit
from plugins.plausible.recording.lookup import Lookup
from plugins.plausible.recording.queue import Then
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
        self._asking: set[asyncio.Task[None]] = set()

    def take(
        self, kind: Kind, tracking_id: str, address: Address, event: Callable[[], TrackingEvent], then: Then
    ) -> None:
        """Record one request, and tell `then` once what became of it: now, or when it is durable. Never raises.

        event: makes the event, called only where one is kept. Besides the outcomes of `Recorder.take`: 'off',
        'unknown' and 'folded'.
        """
        told = partial(self._told, kind, then)
        try:
            wanted = self._wanted(kind)
            if wanted is False:
                told("off")
            elif self._known.get(tracking_id) is not None or self._ids.is_marked(tracking_id):
                self._keep(tracking_id, address, event, told, unsure=wanted is None)
            elif (
                self._ids.should_be_marked(tracking_id)
                or not is_tracking_id(tracking_id)
                or (not address.is_local and self._strange.over(address.full))
            ):
                told("unknown")
            else:
                self._start(self._ask(kind, tracking_id, address, event, told, unsure=wanted is None))
        except Exception as error:
            self._lost(kind, error, told)

    def is_ours(self, tracking_id: str) -> bool:
        """Whether the id is known, or carries our mark; others may be ours too, but nobody is asked here."""
        return self._known.get(tracking_id) is not None or self._ids.is_marked(tracking_id)

    async def close(self) -> None:
        """Wait for those whose ids are being asked for."""
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _ask(
        self,
        kind: Kind,
        tracking_id: str,
        address: Address,
        event: Callable[[], TrackingEvent],
        told: Then,
        *,
        unsure: bool,
    ) -> None:
        try:
            found = None if self._recorder.is_away else await self._lookup.ask(tracking_id, within=BOUNDS[kind])
            if found is False or (found is None and self._unproven.over("")):
                told("unknown")
            else:
                self._keep(tracking_id, address, event, told, unsure=unsure or found is None)
        except Exception as error:
            self._lost(kind, error, told)

    def _keep(
        self, tracking_id: str, address: Address, event: Callable[[], TrackingEvent], told: Then, *, unsure: bool
    ) -> None:
        folded = self._per_copy.over(tracking_id)
        if not folded and not address.is_local:
            folded = self._per_address.over(address.full)
        if folded:
            told = partial(_folded, told)
        self._recorder.take(event(), told, fold=folded, unsure=unsure)

    def _start(self, asking: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(asking)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    @staticmethod
    def _told(kind: Kind, then: Then, outcome: str) -> None:
        metrics.count(kind, outcome)
        then(outcome)

    @staticmethod
    def _lost(kind: Kind, error: Exception, told: Then) -> None:
        """A fault of ours must not keep anybody from the picture or the page. Without its words: they may hold ids."""
        metrics.LOST.inc()
        log.error("an event was lost", kind=kind, error=type(error).__name__)
        told("lost")


def _folded(told: Then, outcome: str) -> None:
    told("folded" if outcome == "committed" else outcome)
