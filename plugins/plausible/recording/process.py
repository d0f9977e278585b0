"""Everything that records in one web process, wired."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app.database import Database
from app.hookspecs import CheckResult
from app.services.email import CopyIds
from app.spool import Spool
from plugins.plausible.events import Kind, TrackingEvent
from plugins.plausible.recording import metrics
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.intake import Intake
from plugins.plausible.recording.judging import Judge
from plugins.plausible.recording.lookup import Lookup
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.recorder import LANES, Recorder
from plugins.plausible.recording.replay import Replayer
from plugins.plausible.recording.settling import Settler
from plugins.plausible.recording.store import Store

CONNECTIONS = LANES + 4
"""For live events, the replay, ids that are asked for, and two for what a rush left; pages have others."""
DEADLINE = 5.0
ACQUIRE = 2.0


class Recording:
    """Built once per web process; `start` and `close` with it.

    wanted: whether events of a kind are recorded now; None while that is not known. reduce: asked for each event that
    waited in the spool or to be judged, takes out what is not to be kept any more.
    """

    def __init__(
        self,
        database: Database,
        ids: CopyIds,
        *,
        folder: Path,
        cap_bytes: int,
        wanted: Callable[[Kind], bool | None],
        around: Surroundings | None = None,
        reduce: Callable[[TrackingEvent], None] = lambda event: None,
    ) -> None:
        self._database = database.sibling(size=CONNECTIONS, deadline=DEADLINE, acquire=ACQUIRE)
        known = KnownCopies()
        store = Store(self._database, known, around)
        self.spool = Spool(folder, cap_bytes=cap_bytes)
        self._cap_bytes = cap_bytes
        self._recorder = Recorder(store, self.spool)
        self._lookup = Lookup(self._database, known)
        self._replayer = Replayer(self._recorder, store, self.spool, self._database, wanted=wanted, reduce=reduce)
        self._settler = Settler(self._recorder, Judge(self._database, known, around, reduce=reduce))
        self.intake = Intake(self._recorder, self._lookup, known, ids, wanted=wanted)

    def start(self) -> None:
        """Begin to replay what an earlier process left."""
        metrics.DATABASE_UP.set(1)
        metrics.SPOOL_MAX.set(self._cap_bytes)
        self._replayer.start()
        self._settler.start()

    async def close(self) -> None:
        """Make everything that was answered durable, then let go."""
        await self._lookup.close()
        await self.intake.close()
        await self._recorder.close()
        await self._replayer.close()
        await self._settler.close()
        await self.spool.close()
        await self._database.close()

    def readiness(self) -> Sequence[CheckResult]:
        """How the spool stands, and what keeps this process from recording."""
        state = self.spool.state()
        words = "empty"
        if state.records:
            age = max(0, int(time.time() - state.oldest_at.timestamp())) if state.oldest_at else 0
            words = f"{state.records:,} events wait for the database, the oldest for {age:,} s"
        if state.alarm:
            words = f"{state.alarm} ({words})"
        return [CheckResult("Spool", not state.alarm, words)]
