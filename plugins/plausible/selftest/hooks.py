"""The module's hooks for its self-test."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from app.crypto import derive
from app.database import utcnow
from app.hookspecs import CheckResult, hookimpl
from plugins.plausible import selftest
from plugins.plausible.handles import Handles


class SelfTestHooks:
    """Part of the plugin's object."""

    @abstractmethod
    def _handles(self) -> Handles:
        """What this process gives the module."""

    @hookimpl
    async def check(self) -> Sequence[CheckResult]:
        """The steps that ask nobody else."""
        return await selftest.check(self._given())

    @hookimpl
    async def test(self) -> Sequence[CheckResult]:
        """All steps."""
        return await selftest.test(self._given())

    def _given(self) -> selftest.Given:
        handles = self._handles()
        settings = handles.context.settings
        return selftest.Given(
            settings,
            handles.settings,
            handles.links,
            handles.context.database,
            handles.networks.check(utcnow().date()),
            derive(settings.key, "plausible-self-test"),
        )
