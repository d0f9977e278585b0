"""Calls of the hooks with which a module says whether it works, and whether it could with other settings."""

from __future__ import annotations

import asyncio
import functools
import reprlib
from collections.abc import Mapping
from typing import Any

from app.hookspecs import CheckResult, ModuleSettings
from app.plugin_calls import DEADLINE, PluginCalls, in_thread
from app.plugin_discovery import words

CHECK_DEADLINE = 10.0
SETTINGS_DEADLINE = 6.0


class CheckCalls(PluginCalls):
    """Part of the plugin host."""

    async def settings_check(self, slug: str, before: ModuleSettings, after: ModuleSettings) -> dict[str, str]:
        """What one plugin has against settings that are about to be saved, by field; '' for all of them."""
        call = self._implementation("settings_check", slug)
        if call is None:
            return {}
        try:
            async with asyncio.timeout(SETTINGS_DEADLINE):
                found = await call(before=before, after=after)
        except TimeoutError:
            return {"": f"They could not be checked within {SETTINGS_DEADLINE:g} s. Save them again."}
        except Exception as error:
            self._report(slug, "settings_check", words(error))
            return {"": f"They could not be checked: {words(error)}"}
        if found is None:
            return {}
        if not isinstance(found, Mapping) or not all(
            isinstance(text, str) and text for pair in found.items() for text in pair
        ):
            fault = f"returned {reprlib.repr(found)} where a field's name for each sentence is promised"
            self._report(slug, "settings_check", fault)
            return {"": f"They could not be checked, because of a fault of the module: it {fault}. Tell its makers"}
        return dict(found)

    async def settings_changed(self, slug: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Tell one plugin that its settings were saved."""
        call = self._implementation("settings_changed", slug)
        if call is not None:
            work = in_thread(functools.partial(call, before=before, after=after))
            await self._await(slug, "settings_changed", work, DEADLINE)

    def has_test(self, slug: str) -> bool:
        """Whether a module tests more than `check` does when somebody asks for it."""
        return self._implementation("test", slug) is not None

    async def check(self, slug: str, *, thorough: bool = False) -> list[CheckResult]:
        """Run one module's self-test; a test that breaks is a failed step.

        thorough: with what takes long or calls other servers; only because somebody asked for it.
        """
        if slug in self.broken:
            return [CheckResult("Start", False, self.broken[slug])]
        hook = "test" if thorough and self.has_test(slug) else "check"
        call = self._implementation(hook, slug)
        if call is None:
            return []
        try:
            async with asyncio.timeout(CHECK_DEADLINE):
                return [result for result in await call() if self._is(slug, result, CheckResult)]
        except TimeoutError:
            return [CheckResult("Self-test", False, f"no answer within {CHECK_DEADLINE:g} s")]
        except Exception as error:
            self._report(slug, hook, words(error))
            return [CheckResult("Self-test", False, words(error))]
