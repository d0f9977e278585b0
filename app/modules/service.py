"""Integration Modules: look, switch, configure. Every change is in the audit log and seen everywhere in a second."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr, ValidationError

from app import audit
from app.accounts.models import User
from app.crypto import SecretBox
from app.database import utcnow
from app.hookspecs import CheckResult
from app.modules import forms, repository
from app.modules.registry import ModuleState, encode, merge
from app.runtime import current
from app.web.formats import ago

RECENT = timedelta(hours=1)
LIST_DEADLINE = 3.0
"""Seconds the list of modules waits for all self-tests together."""


class ModuleError(ValueError):
    """A change that was refused; `fields` says what is wrong at which field."""

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class UnknownModule(ModuleError):
    """There is no module with this slug."""


@dataclass(frozen=True)
class ModuleView:
    """One module as its card and page show it."""

    state: ModuleState
    updated_at: datetime
    updated_by: str
    error_count: int
    last_error: str
    last_error_at: datetime | None
    checks: tuple[CheckResult, ...] = ()
    broken: str = ""

    @property
    def slug(self) -> str:
        """The module's slug."""
        return self.state.info.slug

    @property
    def health(self) -> tuple[str, str]:
        """State (working, warning, failing, off) and words."""
        if self.broken:
            return "failing", f"Failing: {self.broken}"
        if not self.state.enabled:
            return "off", "Off"
        if self.last_error_at is not None and utcnow() - self.last_error_at < RECENT:
            times = "once" if self.error_count == 1 else f"{self.error_count} times"
            return "failing", f"Failing: {times}, last {ago(self.last_error_at)}: {self.last_error}"
        if self.state.problem:
            return "failing", f"Failing: {self.state.problem}"
        wrong = next((check for check in self.checks if not check.ok), None)
        if wrong is not None:
            return "warning", f"{wrong.name}: {wrong.message}"
        return "working", "Working" + (f": {self.checks[-1].message}" if self.checks else "")

    @property
    def saved_words(self) -> str:
        """Who saved last, for the note under each field."""
        return f"Saved by {self.updated_by or 'a command'}, {self.updated_at:%-d %b %H:%M} UTC"


async def views(*, with_checks: bool = False) -> list[ModuleView]:
    """All modules whose plugin is found in this process, by name."""
    runtime = current()
    # Another process may have switched a module a moment ago, and its redirect led here.
    await runtime.modules.refresh()
    async with runtime.database.connection() as conn:
        rows = [row for row in await repository.rows(conn) if row["slug"] in runtime.modules]
    checks: dict[str, tuple[CheckResult, ...]] = {}
    if with_checks:
        slugs = [row["slug"] for row in rows if runtime.modules.is_enabled(row["slug"])]
        found = await asyncio.gather(*(_check_briefly(slug) for slug in slugs))
        checks = dict(zip(slugs, found, strict=True))
    return [_view(row, checks.get(row["slug"], ())) for row in rows]


async def view(slug: str, *, with_checks: bool = False, thorough: bool = False) -> ModuleView:
    """One module. thorough: tested also with what calls other servers. Raises UnknownModule."""
    for found in await views():
        if found.slug == slug:
            if not with_checks and not thorough:
                return found
            checks = tuple(await current().plugins.check(slug, thorough=thorough))
            return replace(found, checks=checks)
    raise UnknownModule(f"There is no module {slug!r}.")


async def set_enabled(slug: str, *, enabled: bool, user: User | None) -> None:
    """Switch a module on or off, everywhere within a second. Raises UnknownModule."""
    runtime = current()
    if slug not in runtime.modules:
        raise UnknownModule(f"There is no module {slug!r}.")
    async with runtime.database.transaction() as conn:
        user_id = user.id if user else None
        if await repository.set_enabled(conn, slug=slug, enabled=enabled, user_id=user_id):
            action = "module.enable" if enabled else "module.disable"
            await audit.record(conn, user_id=user_id, action=action, subject=f"module:{slug}")
    await runtime.modules.refresh()


async def save(
    slug: str,
    values: Mapping[str, Any],
    *,
    user: User | None,
    cleared: set[str] | None = None,
    version: int | None = None,
) -> None:
    """Save settings over what is stored; a secret that is left out stays.

    cleared: secrets to remove. version: of the form that was filled in, to notice that somebody else saved meanwhile.
    Raises ModuleError with a message per field; nothing is saved then.
    """
    state = (await view(slug)).state
    unknown = sorted(set(values) - set(state.info.settings_model.model_fields))
    if unknown:
        raise ModuleError("Nothing was saved.", dict.fromkeys(unknown, "is no setting of this module"))
    kept = {name: value for name, value in state.stored.items() if name not in (cleared or set())}
    try:
        checked = merge(state.info, {**kept, **values})
    except ValidationError as error:
        raise ModuleError("Nothing was saved.", forms.messages(error)) from None
    problems = await current().plugins.settings_check(slug, state.settings, checked)
    if problems:
        raise ModuleError(f"Nothing was saved. {problems.get('', '')}".strip(), problems)
    after = checked.model_dump(mode="python")
    for name, value in after.items():
        if isinstance(value, SecretStr) and (not value.get_secret_value() or name in (cleared or set())):
            after[name] = None
    plain = {name: value for name, value in checked.model_dump(mode="json").items() if name in after}
    stored = {name: value if isinstance(value, SecretStr) else plain[name] for name, value in after.items()}
    stored = {name: value for name, value in stored.items() if value is not None}
    await _store(state, stored, user=user, version=state.version if version is None else version)


async def forget(slug: str, *, user: User | None) -> None:
    """Throw away what was saved; environment and defaults count again."""
    state = (await view(slug)).state
    await _store(state, {}, user=user, version=state.version)


async def _store(state: ModuleState, stored: Mapping[str, Any], *, user: User | None, version: int) -> None:
    runtime, slug = current(), state.info.slug
    encoded = json.dumps(encode(stored, SecretBox(runtime.settings.keys)), ensure_ascii=False)
    user_id = user.id if user else None
    async with runtime.database.transaction() as conn:
        saved = await repository.save_settings(conn, slug=slug, settings=encoded, version=version, user_id=user_id)
        if not saved:
            raise ModuleError("Somebody else saved these settings meanwhile. Look at them below and save again.")
        detail = _differences(state.stored, stored)
        await audit.record(conn, user_id=user_id, action="module.configure", subject=f"module:{slug}", detail=detail)
    await runtime.modules.refresh()
    await runtime.plugins.settings_changed(slug, dict(state.stored), dict(stored))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What changed, for the audit log; of a secret only that it did."""
    found: dict[str, Any] = {}
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            secret = isinstance(old, SecretStr) or isinstance(new, SecretStr)
            found[name] = "changed" if secret else {"from": old, "to": new}
    return found


def _view(row: Mapping[str, Any], checks: tuple[CheckResult, ...]) -> ModuleView:
    runtime = current()
    return ModuleView(
        state=runtime.modules[row["slug"]],
        updated_at=row["updated_at"],
        updated_by=row["updated_by"] or "",
        error_count=row["error_count"],
        last_error=row["last_error"],
        last_error_at=row["last_error_at"],
        checks=checks,
        broken=runtime.plugins.broken.get(row["slug"], ""),
    )


async def _check_briefly(slug: str) -> tuple[CheckResult, ...]:
    try:
        async with asyncio.timeout(LIST_DEADLINE):
            return tuple(await current().plugins.check(slug))
    except TimeoutError:
        return (CheckResult("Self-test", False, f"no answer within {LIST_DEADLINE:g} s"),)
