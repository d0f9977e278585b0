"""The worker's job: read back what Plausible counts, every few minutes or when somebody asks, and set the site up."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from app.crypto import derive
from app.database import Database, utcnow
from plugins.plausible.readback import asks, setup, stats
from plugins.plausible.readback.asks import Topic
from plugins.plausible.readback.caller import Caller, client
from plugins.plausible.readback.reading import Reading, lines_of
from plugins.plausible.readback.stats import Window
from plugins.plausible.readback.troubles import Trouble
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.account import DAYS, Account, account
from plugins.plausible.sync.days import SiteDays

INTERVAL = 1.0
"""Seconds between two looks at whether somebody wants something: one row is read."""
EVERY = 600.0
"""Seconds between two times of reading back."""
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds until it is tried again by itself after a failure: at first, and at most."""
PATIENCE = 90.0
"""Seconds that all requests of one topic may take."""
FEWEST_LATELY = 5


class Asking:
    """One worker's part. Any number of workers may run it at once."""

    def __init__(
        self,
        database: Database,
        key: str,
        settings: Callable[[], PlausibleSettings],
        *,
        now: Callable[[], datetime] = utcnow,
    ) -> None:
        self._database = database
        self._key = key
        self._settings = settings
        self._now = now

    async def run(self) -> None:
        """Ask what is due."""
        settings = self._settings()
        if not settings.site_domain or (settings.api_key is None and settings.plugin_token is None):
            return
        if settings.api_key is not None:
            counts = partial(self._counts, settings.api_key.get_secret_value())
            await self._topic("counts", settings, counts, by_itself=settings.send_to_plausible)
        await self._topic("setup", settings, self._set_up, by_itself=False)

    async def _topic(
        self,
        topic: Topic,
        settings: PlausibleSettings,
        work: Callable[[Caller, PlausibleSettings], Awaitable[str]],
        *,
        by_itself: bool,
    ) -> None:
        about = fingerprint(settings, self._key)
        async with self._database.connection() as conn:
            if not await asks.is_due(conn, topic, about=about, by_itself=by_itself):
                return
        if not await self._database.run(lambda conn: asks.claim(conn, topic, about=about, by_itself=by_itself)):
            return
        secrets = [one.get_secret_value() for one in (settings.api_key, settings.plugin_token) if one is not None]
        try:
            async with asyncio.timeout(PATIENCE), client() as calls:
                caller = Caller(calls, settings.base_url, settings.site_domain, self._now(), tuple(secrets))
                answer = await work(caller, settings)
        except TimeoutError:
            await self._failed(topic, about, Trouble("Plausible answered too slowly. The portal asks again by itself."))
        except Trouble as trouble:
            await self._failed(topic, about, trouble)
        else:
            await self._database.run(
                lambda conn: asks.answered(conn, topic, about=about, answer=answer, again_in=EVERY)
            )

    async def _failed(self, topic: Topic, about: str, trouble: Trouble) -> None:
        await self._database.run(
            lambda conn: asks.failed(
                conn,
                topic,
                about=about,
                words=trouble.words,
                first=FIRST_PAUSE,
                longest=LONGEST_PAUSE,
                quiet=trouble.quiet,
            )
        )

    async def _set_up(self, caller: Caller, settings: PlausibleSettings) -> str:
        return (await setup.set_up(caller, settings)).model_dump_json()

    async def _counts(self, key: str, caller: Caller, settings: PlausibleSettings) -> str:
        now = self._now()
        last = SiteDays(ZoneInfo(settings.site_timezone)).day(now)
        window = Window(last - timedelta(days=DAYS - 1), last)
        before = await self._account(now)
        goals = setup.Wanted.of(settings).goals
        names = sorted({*goals, *(line.name for line in before.days if line.name)})
        counts = await stats.counts(caller, key, names, window)
        # After the answer: what was sent meanwhile is missing there for a moment, which is explained; never too much.
        ours = await self._account(now)
        counted = {name for (_, name), one in counts.by.items() if one.events}
        known = {name: await stats.has_goal(caller, key, name, window) if name in counted else None for name in goals}
        return Reading(
            read_at=now,
            first=window.first,
            last=window.last,
            lines=lines_of(ours.days, counts, window.first),
            goals=known,
            offsets=counts.offsets,
            lately=max(FEWEST_LATELY, 2 * ours.pace),
        ).model_dump_json()

    async def _account(self, now: datetime) -> Account:
        async with self._database.connection() as conn:
            return await account(conn, now=now)


def fingerprint(settings: PlausibleSettings, key: str) -> str:
    """Tells whether an answer is about the settings of now; says nothing of them. key: the portal's."""
    told = [
        settings.base_url,
        settings.site_domain,
        settings.site_timezone,
        settings.api_key.get_secret_value() if settings.api_key else None,
        settings.plugin_token.get_secret_value() if settings.plugin_token else None,
        *setup.Wanted.of(settings).items,
    ]
    text = json.dumps([one.name if isinstance(one, setup.Item) else one for one in told])
    return hmac.digest(derive(key, "plausible-asks"), text.encode(), "sha256").hex()[:32]
