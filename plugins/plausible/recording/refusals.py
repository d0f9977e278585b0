"""Lets a process forget which copies it knows when somebody decides about tracking: a refusal counts for copies that
are out already, and what is remembered of a copy is not asked for again.
"""

from __future__ import annotations

import time

from app.database import Database
from plugins.plausible.recording.copies import KnownCopies

LOOK = 1.0
"""Seconds between two looks; so long at most does it take until a refusal counts."""
LONGEST_TRANSACTION = 6.0
"""Seconds for which a transaction may still bring what it read before the decision, or a decision come to light whose
number is lower than one that is known.
"""


class Refusals:
    """One per process, asked before each batch."""

    def __init__(self, database: Database, known: KnownCopies) -> None:
        self._database = database
        self._known = known
        self._newest: int | None = None
        self._look_at = 0.0
        self._forget_until = 0.0

    async def heed(self) -> None:
        """Look whether somebody decided, once a second at most. Raises what the database raises."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK
        async with self._database.connection() as conn:
            newest = int(await conn.fetch_value("SELECT COALESCE(MAX(id), 0) FROM contact_tracking_decisions"))
        if newest != self._newest:
            if self._newest is not None:
                self._forget_until = now + LONGEST_TRANSACTION
            self._newest = newest
        if now < self._forget_until:
            self._known.clear()
