"""The hooks about mailings: one text for many people, a mail of its own for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from app.hookspecs import CopySums, MailingActivity
from app.plugin_calls import PluginCalls

PATIENCE = 10.0
"""Seconds for one call: it adds up what is known of a hundred thousand copies."""
LINKS, EVENTS = 50, 50
"""That are kept of several answers."""


class MailingCalls(PluginCalls):
    """Calls them while the module is enabled, and adds up what they say: no two tell of the same copy."""

    async def mailing_activity(self, mailing: str) -> MailingActivity | None:
        """What is known of a mailing; None where no module says."""
        answers = []
        for slug, call in self._implementations("mailing_activity", enabled=True):
            found = await self._await(slug, "mailing_activity", call(mailing=mailing), PATIENCE)
            if found is not None and self._is(slug, found, MailingActivity):
                answers.append(found)
        return together(answers) if answers else None

    async def mailing_copies(self, mailing: str, *, after: int, limit: int) -> list[CopySums]:
        """What is known of a mailing's copies, those with ids greater than `after`; none where no module says."""
        known: list[CopySums] = []
        for slug, call in self._implementations("mailing_copies", enabled=True):
            work = call(mailing=mailing, after=after, limit=limit)
            found = await self._await(slug, "mailing_copies", work, PATIENCE)
            if found is not None and self._is(slug, found, Sequence):
                known += [one for one in found if self._is(slug, one, CopySums)]
        return sorted(known, key=lambda one: one.recipient_id)[:limit]


def together(answers: Sequence[MailingActivity]) -> MailingActivity:
    """Several answers, at least one, as one; by days where one of them has only these."""
    if len(answers) == 1:
        return answers[0]
    by_hour = all(one.by_hour for one in answers if one.opens_by_time)
    links: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    times: defaultdict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    for one in answers:
        for url, *counts in one.links:
            links[url] = [a + b for a, b in zip(links[url], counts, strict=True)]
        for at, *counts in one.opens_by_time:
            start = at if by_hour else at.replace(hour=0)
            times[start] = [a + b for a, b in zip(times[start], counts, strict=True)]
    most = sorted(links.items(), key=lambda pair: (-pair[1][0], pair[0]))
    events = sorted((event for one in answers for event in one.events), key=lambda one: one.happened_at, reverse=True)
    return MailingActivity(
        unique_opens=sum(one.unique_opens for one in answers),
        opens=sum(one.opens for one in answers),
        unique_clicks=sum(one.unique_clicks for one in answers),
        clicks=sum(one.clicks for one in answers),
        machine_opens=sum(one.machine_opens for one in answers),
        machine_clicks=sum(one.machine_clicks for one in answers),
        only_machines=sum(one.only_machines for one in answers),
        unknown_opens=sum(one.unknown_opens for one in answers),
        unknown_clicks=sum(one.unknown_clicks for one in answers),
        links=tuple((url, clicks, people) for url, (clicks, people) in most[:LINKS]),
        opens_by_time=tuple((at, people, machines) for at, (people, machines) in sorted(times.items())),
        by_hour=by_hour,
        events=tuple(events[:EVENTS]),
    )
