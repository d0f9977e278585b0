"""What the worker repeats for the module."""

from __future__ import annotations

from collections.abc import Sequence

from app.hookspecs import Job
from plugins.plausible import growth
from plugins.plausible.handles import Handles
from plugins.plausible.readback import asking
from plugins.plausible.readback.asking import Asking
from plugins.plausible.recording import rejudge
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.judging import Judge
from plugins.plausible.sync import job
from plugins.plausible.sync.job import Sync


def jobs_of(handles: Handles) -> Sequence[Job]:
    """All of them, for one process."""
    database, key = handles.context.database, handles.context.settings.key

    async def tend() -> None:
        await growth.tend(database, keep=lambda: handles.settings.keep_days)

    judge = Judge(database, KnownCopies(), handles.around, reduce=handles.reduce)

    async def settle() -> None:
        while await judge.some():
            pass
        await rejudge.mark_flagged(database)
        await rejudge.settle_due(database, handles.around)

    return [
        Job("months of events", growth.INTERVAL, tend),
        Job("who opened", rejudge.INTERVAL, settle),
        Job("sync", job.INTERVAL, Sync(database, key, lambda: handles.settings).run),
        Job("what Plausible counts", asking.INTERVAL, Asking(database, key, lambda: handles.settings).run),
    ]
