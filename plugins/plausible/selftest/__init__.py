"""The module's self-test, step by step, in the order in which to mend what fails.

`check` is cheap and stays inside; `test` goes out: through the portal's public address, and to Plausible.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from app.database import Database
from app.hookspecs import CheckResult
from app.settings import Settings
from plugins.plausible.links import Links
from plugins.plausible.pages.check import SCRIPT, script_steps
from plugins.plausible.selftest import standing
from plugins.plausible.selftest.address import (
    NO_ADDRESS,
    PROBE,
    address,
    address_problem,
    is_loopback,
    visited,
)
from plugins.plausible.selftest.instance import Heard, ask
from plugins.plausible.selftest.standing import notice
from plugins.plausible.settings import PlausibleSettings

__all__ = ["NO_ADDRESS", "PROBE", "Given", "address_problem", "check", "is_loopback", "notice", "test"]

T = TypeVar("T")
DEADLINE = 8.0
"""Seconds that what goes out may take; all of it goes at the same time, and the portal waits 10."""


@dataclass(frozen=True)
class Given:
    """What is tested. networks: what the list of networks says."""

    settings: Settings
    module: PlausibleSettings
    links: Links | None
    database: Database
    networks: CheckResult
    visitor_key: bytes
    """From it comes the address that stands for the visitor of the test event."""


async def check(given: Given) -> list[CheckResult]:
    """The steps that ask nobody else; the last one that is good says when something was last recorded."""
    return [address(given.settings), *_settings(given), *await _standing(given)]


async def test(given: Given) -> list[CheckResult]:
    """All steps."""
    outside, heard, scripts, database, stands = await asyncio.gather(
        _bounded(visited(given.settings, given.links)),
        _bounded(ask(given.module, given.visitor_key)),
        _bounded(script_steps(given.module, given.settings.portal_url)),
        standing.database_clock(given.database),
        _standing(given),
    )
    if outside is None:
        words = f"was not visited to the end within {DEADLINE:g} s: what stands in front of the portal is too slow"
        outside = [CheckResult("Portal address", False, words)]
    if heard is None:
        words = f"does not answer within {DEADLINE:g} s; is the Base URL right, and Plausible running there?"
        heard = Heard([CheckResult("Test event", False, f"Plausible {words}")])
    if scripts is None:
        scripts = [CheckResult(SCRIPT, False, f"Plausible does not give it within {DEADLINE:g} s")]
    time = standing.clock(database, heard.clock, asked=heard.asked)
    return [*outside, *_settings(given), *heard.steps, *scripts, time, *stands]


def _settings(given: Given) -> list[CheckResult]:
    return [standing.mail_server(given.settings), standing.tracking(given.module), given.networks]


async def _standing(given: Given) -> list[CheckResult]:
    sent = [await standing.sync(given.database)] if given.module.send_to_plausible else []
    return [*sent, await standing.last_event(given.database), *await standing.set_aside(given.database)]


async def _bounded(work: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(DEADLINE):
            return await work
    except TimeoutError:
        return None
