"""Finds plugins, makes every hook call, and keeps a failing plugin from failing anything else."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pluggy
import structlog
from quart import Blueprint

from app.hookspecs import (
    PROJECT,
    AsgiRoute,
    CheckResult,
    Delivery,
    DeliveryReport,
    Job,
    ModuleInfo,
    MyPortalSpec,
    NavItem,
    PluginContext,
    Prepared,
    QueuedMail,
    ReplyActivity,
)
from app.plugin_discovery import check_contract, words

log = structlog.get_logger(__name__)

DEADLINE = 2.0
"""Seconds one hook call may take."""
CHECK_DEADLINE = 10.0
REST = 30.0
"""Seconds for which a plugin that hung is left alone, so that one bad plugin does not slow every mail down."""


ErrorSink = Callable[[str, str, str], None]


@dataclass
class PluginHost:
    """Calls hooks of plugins, one typed method per hook.

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

    # --- once per process -------------------------------------------------------------------------------------------

    def modules(self) -> dict[str, ModuleInfo]:
        """Who the plugins are, by slug, in alphabetical order."""
        return {slug: info for slug, info in self._each("module_info", ModuleInfo) if info is not None}

    def migration_folders(self) -> dict[str, Path]:
        """Folders with the plugins' own migrations, by slug."""
        return {slug: path for slug, path in self._each("migrations", Path) if path is not None}

    def template_folders(self) -> dict[str, Path]:
        """Folders with the plugins' own templates, by slug."""
        return {slug: path for slug, path in self._each("templates", Path) if path is not None}

    def start(self, contexts: Mapping[str, PluginContext]) -> None:
        """Give each plugin its context; one that raises stays off in this process."""
        for slug, call in list(self._implementations("started")):
            try:
                call(context=contexts[slug])
            except Exception as error:
                self._refuse(slug, "started", error)

    def blueprints(self) -> list[tuple[str, Blueprint]]:
        """The plugins' pages and endpoints, with the slug each belongs to."""
        found = []
        for slug, blueprints in self._each("blueprints", Sequence):
            found += [(slug, blueprint) for blueprint in blueprints or () if self._is(slug, blueprint, Blueprint)]
        return found

    def asgi_routes(self) -> list[tuple[str, AsgiRoute]]:
        """What the plugins answer before the portal's own request handling, with the slug each belongs to."""
        found = []
        for slug, routes in self._each("asgi_routes", Sequence):
            for route in routes or ():
                if not self._is(slug, route, AsgiRoute):
                    continue
                if all(len(prefix) > 1 and prefix.startswith("/") for prefix in route.prefixes):
                    found.append((slug, route))
                else:
                    self._report(slug, "asgi_routes", f"prefixes must start with '/' and go on, got {route.prefixes!r}")
        return found

    def jobs(self) -> list[tuple[str, Job]]:
        """The plugins' background jobs, with the slug each belongs to."""
        found = []
        for slug, jobs in self._each("jobs", Sequence):
            found += [(slug, job) for job in jobs or () if self._is(slug, job, Job)]
        return found

    # --- while enabled ----------------------------------------------------------------------------------------------

    async def navigation(self) -> list[NavItem]:
        """Entries of the left rail."""
        return [
            item
            for slug, items in await self._ask("navigation", Sequence)
            for item in items
            if self._is(slug, item, NavItem)
        ]

    async def receipt_states(self) -> frozenset[str]:
        """The receipts that an enabled plugin reports."""
        states: frozenset[str] = frozenset()
        return states.union(*(found for _, found in await self._ask("receipt_states", frozenset)))

    async def readiness(self) -> list[CheckResult]:
        """How the modules' work stands in this process; what is not `ok` keeps it from being done."""
        return [
            result
            for slug, results in await self._ask("readiness", Sequence)
            for result in results
            if self._is(slug, result, CheckResult)
        ]

    async def tracking_notice(self) -> str | None:
        """What a reply sent now would report, in words; None where no plugin tracks."""
        return ", ".join(notice for _, notice in await self._ask("tracking_notice", str) if notice) or None

    async def settings_changed(self, slug: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Tell one plugin that its settings were saved."""
        for name, call in self._implementations("settings_changed"):
            if name == slug:
                work = _in_thread(functools.partial(call, before=before, after=after))
                await self._await(slug, "settings_changed", work, DEADLINE)

    async def email_queued(self, mail: QueuedMail) -> None:
        """Tell the plugins of a stored mail."""
        await self._tell("email_queued", mail=mail)

    async def email_sent(self, report: DeliveryReport) -> None:
        """Tell the plugins that a copy was taken by the mail server."""
        await self._tell("email_sent", report=report)

    async def email_failed(self, report: DeliveryReport) -> None:
        """Tell the plugins that a copy failed or that its outcome is unknown."""
        await self._tell("email_failed", report=report)

    async def prepare_delivery(self, delivery: Delivery) -> Prepared:
        """The copy's HTML after all plugins, what it will report, and its text part where one of them changed it."""
        html, text, reports = delivery.html, None, frozenset[str]()
        for slug, call in self._implementations("prepare_delivery", enabled=True):
            given = replace(delivery, html=html, text=delivery.text if text is None else text)
            work = _in_thread(functools.partial(call, delivery=given))
            answer = await self._await(slug, "prepare_delivery", work, DEADLINE)
            if answer is None or not self._is(slug, answer, Prepared):
                continue
            if not _keepswords(html, answer.html) or (
                answer.text is not None and not _keepswords(given.text, answer.text)
            ):
                self._report(
                    slug, "prepare_delivery", "returned an empty or non-text body; the copy was left as it was"
                )
                continue
            html, reports = answer.html, reports | frozenset(answer.reports)
            text = text if answer.text is None else answer.text
        return Prepared(html, reports, text)

    async def reply_activity(self, reply_ids: Sequence[int]) -> dict[int, ReplyActivity]:
        """What all plugins know of these replies, merged."""
        merged: dict[int, ReplyActivity] = {}
        if not reply_ids:
            return merged
        for slug, call in self._implementations("reply_activity", enabled=True):
            found = await self._await(slug, "reply_activity", call(reply_ids=reply_ids), DEADLINE)
            if found is None or not self._is(slug, found, Mapping):
                continue
            for reply_id, activity in found.items():
                if not self._is(slug, activity, ReplyActivity):
                    continue
                known = merged.get(reply_id, ReplyActivity())
                merged[reply_id] = ReplyActivity(
                    known.recipients + tuple(activity.recipients), known.timeline + tuple(activity.timeline)
                )
        return merged

    # --- enabled or not ---------------------------------------------------------------------------------------------

    async def restore_html(self, html: str) -> str:
        """A body without what plugins put into mails; as it was where one of them fails."""
        return await self._restored("restore_html", "html", html)

    async def restore_text(self, text: str) -> str:
        """The same for plain text."""
        return await self._restored("restore_text", "text", text)

    async def _restored(self, hook: str, argument: str, body: str) -> str:
        if not body:
            return body
        for slug, call in self._implementations(hook):
            if self._rests(slug):
                continue
            work = _in_thread(functools.partial(call, **{argument: body}))
            answer = await self._await(slug, hook, work, DEADLINE)
            if answer is None or not self._is(slug, answer, str):
                continue
            if _keepswords(body, answer):
                body = answer
            else:
                self._report(slug, hook, "returned an empty body; it was left as it was")
        return body

    async def check(self, slug: str) -> list[CheckResult]:
        """Run one module's self-test; a test that breaks is a failed step."""
        if slug in self.broken:
            return [CheckResult("Start", False, self.broken[slug])]
        for name, call in self._implementations("check"):
            if name != slug:
                continue
            try:
                async with asyncio.timeout(CHECK_DEADLINE):
                    return [result for result in await call() if self._is(slug, result, CheckResult)]
            except TimeoutError:
                return [CheckResult("Self-test", False, f"no answer within {CHECK_DEADLINE:g} s")]
            except Exception as error:
                self._report(slug, "check", words(error))
                return [CheckResult("Self-test", False, words(error))]
        return []

    # --- how a call is made -----------------------------------------------------------------------------------------

    def _implementations(self, hook: str, *, enabled: bool = False) -> Iterator[tuple[str, Callable[..., Any]]]:
        caller = getattr(self._manager.hook, hook)
        for impl in sorted(caller.get_hookimpls(), key=lambda impl: impl.plugin_name):
            slug = impl.plugin_name
            if enabled and (not self.is_enabled(slug) or self._rests(slug)):
                continue
            yield slug, impl.function

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
            answer = await self._await(slug, hook, _in_thread(call), DEADLINE)
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
        if task.cancelled():
            self._report(slug, hook, "was cancelled from inside")
            return None
        error = task.exception()
        if error is None:
            return task.result()
        if not isinstance(error, Exception):
            raise error
        self._report(slug, hook, words(error))
        return None

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


async def _in_thread(call: Callable[[], Any]) -> Any:
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


def _keepswords(before: str, after: object) -> bool:
    """Whether this is a text, and not an empty one in the place of one that says something."""
    return isinstance(after, str) and bool(after.strip() or not before.strip())
