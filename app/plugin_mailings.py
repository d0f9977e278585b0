"""The hooks about mailings: one text for many people, a mail of its own for each."""

from __future__ import annotations

from collections.abc import Sequence

from app.hookspecs import CopySums, MailingActivity
from app.plugin_calls import PluginCalls

PATIENCE = 10.0
"""Seconds for one call: it adds up what is known of a hundred thousand copies."""


class MailingCalls(PluginCalls):
    """Calls them while the module is enabled. Only one module should track mails: the first that answers counts."""

    async def mailing_activity(self, mailing: str) -> MailingActivity | None:
        """What is known of a mailing; None where no module says."""
        for slug, call in self._implementations("mailing_activity", enabled=True):
            found = await self._await(slug, "mailing_activity", call(mailing=mailing), PATIENCE)
            if found is not None and self._is(slug, found, MailingActivity):
                return found  # type: ignore[no-any-return]
        return None

    async def mailing_copies(self, mailing: str, *, after: int, limit: int) -> list[CopySums]:
        """What is known of a mailing's copies, those with ids greater than `after`; none where no module says."""
        for slug, call in self._implementations("mailing_copies", enabled=True):
            work = call(mailing=mailing, after=after, limit=limit)
            found = await self._await(slug, "mailing_copies", work, PATIENCE)
            if found is not None and self._is(slug, found, Sequence):
                return [one for one in found if self._is(slug, one, CopySums)]
        return []
