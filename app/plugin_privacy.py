"""The hooks about people's data: here a failure is an answer too, because nobody may take it for done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from app.hookspecs import ContactData, Paragraph, WorkDone
from app.plugin_calls import PluginCalls, fault_of, in_thread

PATIENCE = 30.0
"""Seconds for one call: it reads or deletes thousands of rows."""


class PluginFailed(Exception):
    """A plugin did not do what was asked of it; the message says why."""


class PrivacyCalls(PluginCalls):
    """Calls these hooks, enabled or not: what a module stored is there also while it is off."""

    def answering(self, hook: str) -> list[str]:
        """The slugs of the plugins that have this hook, and of those that are broken: nobody knows what they hold."""
        return sorted({*(slug for slug, _ in self._implementations(hook)), *self.broken})

    async def export_contact(self, slug: str, contact: ContactData) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What one plugin holds about a person, by table. Raises PluginFailed."""
        found: Mapping[str, Sequence[Mapping[str, Any]]] = await self._demand(slug, "export_contact", contact=contact)
        self._check(slug, "export_contact", found, Mapping)
        for name, rows in found.items():
            if not isinstance(name, str) or isinstance(rows, str | bytes) or not isinstance(rows, Sequence):
                raise self._failed(slug, "export_contact", f"returned a table {name!r} that is no list of rows")
            if not all(isinstance(row, Mapping) for row in rows):
                raise self._failed(slug, "export_contact", f"returned rows in the table {name!r} that have no columns")
        return found

    async def erase_contact(self, slug: str, contact: ContactData) -> WorkDone:
        """Let one plugin erase a piece of what it holds about a person. Raises PluginFailed."""
        return await self._work(slug, "erase_contact", contact=contact)

    async def purge_old(self, slug: str) -> WorkDone:
        """Let one plugin delete a piece of what is past its time. Raises PluginFailed."""
        return await self._work(slug, "purge_old")

    async def apply_privacy(self, slug: str) -> WorkDone:
        """Let one plugin bring a piece of what it holds down to its settings. Raises PluginFailed."""
        return await self._work(slug, "apply_privacy")

    async def privacy_disclosure(self) -> tuple[list[Paragraph], list[str]]:
        """What the plugins tell people of themselves, and the slugs of those that could not."""
        told: list[Paragraph] = []
        silent = list(self.broken)
        for slug, call in self._implementations("privacy_disclosure"):
            try:
                paragraphs = await self._wait_for(slug, "privacy_disclosure", in_thread(call))
            except PluginFailed:
                silent.append(slug)
                continue
            if not self._is(slug, paragraphs, Sequence) or not all(isinstance(one, Paragraph) for one in paragraphs):
                silent.append(slug)
                continue
            told += paragraphs
        return told, silent

    async def _work(self, slug: str, hook: str, **arguments: object) -> WorkDone:
        work = await self._demand(slug, hook, **arguments)
        self._check(slug, hook, work, WorkDone)
        return work  # type: ignore[no-any-return]

    def _check(self, slug: str, hook: str, answer: object, kind: type) -> None:
        if not self._is(slug, answer, kind):
            raise PluginFailed(f"{hook} returned {type(answer).__name__} where {kind.__name__} is promised")

    async def _demand(self, slug: str, hook: str, **arguments: object) -> Any:
        if slug in self.broken:
            raise PluginFailed(f"the module could not be started: {self.broken[slug]}")
        call = self._implementation(hook, slug)
        if call is None:
            raise PluginFailed("the module is not installed here any more")
        return await self._wait_for(slug, hook, call(**arguments))

    async def _wait_for(self, slug: str, hook: str, work: Awaitable[Any]) -> Any:
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        finally:
            if not task.done():
                task.cancel()
        if not done:
            raise self._failed(slug, hook, f"did not return within {PATIENCE:g} s")
        fault = fault_of(task)
        if fault:
            raise self._failed(slug, hook, fault) from (None if task.cancelled() else task.exception())
        return task.result()

    def _failed(self, slug: str, hook: str, message: str) -> PluginFailed:
        self._report(slug, hook, message)
        return PluginFailed(message)
