"""A portal whose events go to a stand-in for Plausible that validates, drops and refuses as the real one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.database import utcnow
from app.runtime import Runtime
from app.services import modules
from plugins.plausible.classify import Class
from plugins.plausible.events import OPEN, Kind
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.store import Store
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync import account, outbox
from plugins.plausible.sync.account import Account
from plugins.plausible.sync.days import SiteDays
from plugins.plausible.sync.job import Sync
from plugins.plausible.sync.outcome import Outcome
from tests.plausible.recording import event, rows
from tests.receipts.builders import mailed_reply
from tests.support.plausible import PlausibleServer, Request

SITE = "help.example.com"


def days() -> SiteDays:
    """Those of a site in UTC."""
    return SiteDays(ZoneInfo("UTC"))


SENT = (
    Outcome.ACCEPTED, Outcome.DROPPED, Outcome.REJECTED, Outcome.AMBIGUOUS, Outcome.WAITING, Outcome.TOO_OLD,
    Outcome.REFUSED,
)  # fmt: skip
"""What a person's event can come to."""


@dataclass
class World:
    """The portal, its Plausible, and a clock that can be moved."""

    portal: Runtime
    plausible: PlausibleServer
    shift: timedelta = timedelta()
    workers: list[Sync] = field(default_factory=list)

    def now(self) -> datetime:
        """The portal's clock."""
        return utcnow() + self.shift

    async def set(self, **values: Any) -> None:
        """Save settings of the module."""
        await modules.save("plausible", values, user=None)

    @property
    def posts(self) -> list[Request]:
        """What came to where events go."""
        return [request for request in self.plausible.requests if request.path == "/api/event"]

    def worker(self) -> Sync:
        """One more worker."""

        def settings() -> PlausibleSettings:
            found = self.portal.modules["plausible"].settings
            assert isinstance(found, PlausibleSettings)
            return found

        self.workers.append(Sync(self.portal.database, self.portal.settings.key, settings, now=self.now))
        return self.workers[-1]

    async def run(self, worker: Sync | None = None, *, times: int = 1) -> None:
        """Let a worker run; pauses that it asked for are skipped."""
        worker = worker or self.worker()
        for _ in range(times):
            await self.hurry()
            await worker.run()

    async def hurry(self) -> None:
        """Let what waits be due, and end a pause."""
        async with self.portal.database.transaction() as conn:
            await conn.execute("UPDATE email_tracking_outbox SET next_attempt_at = UTC_TIMESTAMP(6)")
            await conn.execute("UPDATE email_tracking_sync_state SET paused_until = NULL")

    async def read(
        self, count: int = 1, *, kind: Kind = OPEN, at: datetime | None = None, to: str | None = None, **values: Any
    ) -> list[str]:
        """Mails that somebody reads, each by a recipient of its own; their tracking ids."""
        around = Surroundings(sent_on=days)
        store, found = Store(self.portal.database, KnownCopies(), around), []
        for _ in range(count):
            reply = await mailed_reply(self.portal.database, to or f"{secrets.token_hex(4)}@customer.test")
            moment = at or self.now()
            async with self.portal.database.transaction() as conn:
                # A minute ago, so that a person reads it and no scanner at its delivery.
                await conn.execute(
                    "UPDATE email_recipients SET sent_at = %(at)s, sending_at = %(at)s WHERE email_id = %(mail)s",
                    {"at": moment - timedelta(hours=1), "mail": reply.mail_id},
                )
            [copy] = await rows(
                self.portal.database,
                f"SELECT tracking_id FROM email_recipients WHERE email_id = {reply.mail_id}",  # noqa: S608
            )
            outcome = await store.put([event(copy["tracking_id"], kind, at=moment, **values)])
            assert set(outcome.values()) == {"stored"}
            found.append(copy["tracking_id"])
        return found

    async def account(self) -> Account:
        """As it stands."""
        async with self.portal.database.connection() as conn:
            return await account.account(conn, now=self.now())

    async def check(self, **expected: int) -> Account:
        """The account is exact: it says what each event says, and nothing is missing."""
        found = await self.account()
        told = {outcome.value: found.totals[outcome] for outcome in Outcome if found.totals[outcome]}
        if expected:
            assert told == expected
        events = await rows(
            self.portal.database,
            "SELECT COALESCE(plausible_outcome, 'waiting') AS outcome, COUNT(*) AS events, SUM(plausible_sent) AS sent "
            "FROM email_tracking_events GROUP BY outcome",
        )
        assert {row["outcome"]: row["events"] for row in events} == told
        assert sum(int(row["sent"]) for row in events) == told.get("accepted", 0)
        persons = [kind.value for kind in (Class.HUMAN, Class.HUMAN_PROXY)]
        [count] = await rows(
            self.portal.database,
            "SELECT COUNT(*) AS events FROM email_tracking_events "  # noqa: S608
            f"WHERE class IN ('{persons[0]}', '{persons[1]}')",
        )
        assert sum(found.totals[outcome] for outcome in SENT) - found.machines_waiting == count["events"]
        return found


@pytest.fixture
async def world(portal: Runtime, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Sending is on."""
    monkeypatch.setattr(outbox, "HOLD", timedelta())
    monkeypatch.setattr(portal, "settings", portal.settings.model_copy(update={"outbound_allowed": ["127.0.0.1"]}))
    async with PlausibleServer(edition="ce", site=SITE) as plausible:
        world = World(portal, plausible)
        plausible.instance.clock = world.now
        await world.set(base_url=plausible.base_url, site_domain=SITE, send_to_plausible=True)
        yield world
        for worker in world.workers:
            await worker.close()


@pytest.fixture
def at_noon(world: World) -> None:
    """Midnight, when what waits becomes too old, is tested by itself."""
    now = datetime.now(UTC)
    world.shift = now.replace(hour=12, minute=0) - now
