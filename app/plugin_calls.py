"""How a plugin is called: with a deadline, in a thread where it may compute, and so that its failures stay its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pluggy
import structlog

from app.hookspecs import PROJECT, MyPortalSpec
from app.plugin_discovery import check_contract, words

log = structlog.get_logger(__name__)

DEADLINE = 2.0
"""Seconds one hook call may take."""
REST = 30.0
"""Seconds for which a plugin that hung is left alone, so that one bad plugin does not slow every mail down."""


ErrorSink = Callable[[str, str, str], None]


@dataclass
class PluginCalls:
    """The plugins that keep the contract, and how any hook of theirs is called.

    plugins: slug → plugin object, as `discover` gives them.
    is_enabled: asked at each call for those hooks that only enabled plugins hear.
    on_error: told (slug, hook, message) for each failure, to be shown on the module's page.
    """

    plugins: Mapping[str, object]
    is_enabled: Callable[[str], bool] = lambda slug: True
    on_error: ErrorSink = lambda slug, hook, message: None
    broken: dict[str, str] = field(default_factory=dict)
    """slug → why the plugin could not be loaded or started in this process."""

    def __post_init__(self) -> None:
        self._resting: dict[str, float] = {}
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(MyPortalSpec)
        for slug in sorted(self.plugins):
            try:
                check_contract(self.plugins[slug])
                self._manager.register(self.plugins[slug], slug)
                self._manager.check_pending()
            except Exception as error:
                self._refuse(slug, "registration", error)

    def _implementations(self, hook: str, *, enabled: bool = False) -> Iterator[tuple[str, Callable[..., Any]]]:
        caller = getattr(self._manager.hook, hook)
        for impl in sorted(caller.get_hookimpls(), key=lambda impl: impl.plugin_name):
            slug = impl.plugin_name
            if enabled and (not self.is_enabled(slug) or self._rests(slug)):
                continue
            yield slug, impl.function

    def _implementation(self, hook: str, slug: str) -> Callable[..., Any] | None:
        """One plugin's hook, enabled or not; None where it has none."""
        return next((call for name, call in self._implementations(hook) if name == slug), None)

    def _each(self, hook: str, kind: type) -> Iterator[tuple[str, Any]]:
        """Call a start-up hook of every plugin, enabled or not; the answers that are of the promised kind."""
        for slug, call in self._implementations(hook):
            answer = self._call_briefly(slug, hook, call)
            if answer is None or self._is(slug, answer, kind):
                yield slug, answer

    async def _ask(self, hook: str, kind: type) -> list[tuple[str, Any]]:
        """Call a plain hook of every enabled plugin; the answers that are of the promised kind."""
        found = []
        for slug, call in self._implementations(hook, enabled=True):
            answer = await self._await(slug, hook, in_thread(call), DEADLINE)
            if answer is not None and self._is(slug, answer, kind):
                found.append((slug, answer))
        return found

    def _call_briefly(self, slug: str, hook: str, call: Callable[[], Any]) -> Any:
        """Call a start-up hook in a thread, so that one that hangs does not keep the portal from starting."""
        answers: list[Any] = []
        errors: list[Exception] = []

        def work() -> None:
            try:
                answers.append(call())
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=work, name=f"plugin-{slug}", daemon=True)
        thread.start()
        thread.join(DEADLINE)
        if errors:
            self._report(slug, hook, words(errors[0]))
        elif thread.is_alive():
            self._rest(slug, hook)
        return answers[0] if answers else None

    async def _tell(self, hook: str, **arguments: object) -> None:
        for slug, call in self._implementations(hook, enabled=True):
            await self._await(slug, hook, call(**arguments), DEADLINE)

    async def _await(self, slug: str, hook: str, work: Awaitable[Any], deadline: float) -> Any:
        """Wait for `work` at most `deadline` seconds; work that ignores its cancellation is left behind."""
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=deadline)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.cancel()
            self._rest(slug, hook)
            return None
        fault = fault_of(task)
        if fault:
            self._report(slug, hook, fault)
            return None
        return task.result()

    def _is(self, slug: str, answer: object, kind: type) -> bool:
        if isinstance(answer, kind) and not (kind is Sequence and isinstance(answer, str | bytes)):
            return True
        self._report(slug, "contract", f"returned {type(answer).__name__} where {kind.__name__} is promised")
        return False

    def _rests(self, slug: str) -> bool:
        return time.monotonic() < self._resting.get(slug, 0.0)

    def _rest(self, slug: str, hook: str) -> None:
        self._resting[slug] = time.monotonic() + REST
        self._report(slug, hook, f"did not return within {DEADLINE:g} s; left alone for {REST:g} s")

    def _refuse(self, slug: str, hook: str, error: Exception) -> None:
        if self._manager.has_plugin(slug):
            self._manager.unregister(name=slug)
        self.broken[slug] = words(error)
        self._report(slug, hook, words(error))

    def _report(self, slug: str, hook: str, message: str) -> None:
        log.error("plugin failed", plugin=slug, hook=hook, error=message)
        self.on_error(slug, hook, message)


def fault_of(task: asyncio.Future[Any]) -> str:
    """Why a call that has ended gave nothing; '' where it gave its answer. Raises what is no Exception."""
    if task.cancelled():
        return "was cancelled from inside"
    error = task.exception()
    if error is None:
        return ""
    if not isinstance(error, Exception):
        raise error
    return words(error)


async def in_thread(call: Callable[[], Any]) -> Any:
    """Run `call` in a daemon thread of its own: a thread that never returns holds up neither a pool nor the exit."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except Exception as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            # The loop is closed: the caller gave up long ago.
            return

    threading.Thread(target=work, name="plugin", daemon=True).start()
    return await future
