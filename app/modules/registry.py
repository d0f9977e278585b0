"""What each process knows of the modules: enabled or not, and their settings, at most a second old."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import SecretStr, ValidationError

from app.crypto import SecretBox
from app.database import Database, DatabaseUnavailable
from app.hookspecs import ModuleInfo, ModuleSettings
from app.settings import environment_variable

log = structlog.get_logger(__name__)

REFRESH = 0.5
"""Seconds between two looks at the table; a switch takes effect everywhere within this and one query."""
SECRET = "$secret"  # noqa: S105
"""Marks an encrypted value in the stored JSON: {"$secret": "..."}."""


@dataclass(frozen=True)
class ModuleState:
    """One module as this process sees it."""

    info: ModuleInfo
    enabled: bool
    version: int
    settings: ModuleSettings
    stored: Mapping[str, Any] = field(default_factory=dict)
    """What an admin saved (secrets decrypted); a field that is absent comes from the environment or the default."""
    problem: str = ""
    """Why the stored settings do not hold; the environment and the defaults are used then."""


class ModuleRegistry:
    """A small cache of `integration_modules`, refreshed by `watch` in every long-lived process."""

    def __init__(self, database: Database, infos: Mapping[str, ModuleInfo], box: SecretBox) -> None:
        self._database = database
        self._infos = infos
        self._box = box
        self.is_known = False
        """Whether the table was read since the start of the process."""
        self._states: dict[str, ModuleState] = {
            slug: ModuleState(info, False, 0, from_environment(info)) for slug, info in infos.items()
        }

    def __getitem__(self, slug: str) -> ModuleState:
        return self._states[slug]

    def __contains__(self, slug: str) -> bool:
        return slug in self._states

    def all(self) -> list[ModuleState]:
        """Every plugin found in this process, by slug."""
        return [self._states[slug] for slug in sorted(self._states)]

    def is_enabled(self, slug: str) -> bool:
        """Whether an admin enabled the module."""
        state = self._states.get(slug)
        return state is not None and state.enabled

    async def refresh(self) -> None:
        """Read the table again; rows whose version did not change cost nothing more."""
        async with self._database.connection() as conn:
            rows = await conn.fetch_all("SELECT slug, enabled, version, settings FROM integration_modules")
        self.is_known = True
        for row in rows:
            known = self._states.get(row["slug"])
            if known is None or (known.version == row["version"] and known.enabled == bool(row["enabled"])):
                continue
            self._states[row["slug"]] = self._read(known.info, row)

    async def watch(self) -> None:
        """Refresh for ever; while the database is away the last known state counts."""
        while True:
            await asyncio.sleep(REFRESH)
            try:
                await self.refresh()
            except DatabaseUnavailable as error:
                log.warning("modules not refreshed", error=str(error))

    def _read(self, info: ModuleInfo, row: Mapping[str, Any]) -> ModuleState:
        enabled, version = bool(row["enabled"]), int(row["version"])
        try:
            stored = decode(json.loads(row["settings"] or "{}"), self._box)
            return ModuleState(info, enabled, version, merge(info, stored), stored)
        except (ValueError, ValidationError) as error:
            log.error("stored module settings do not hold", plugin=info.slug, error=str(error))
            return ModuleState(info, enabled, version, from_environment(info), {}, str(error))


def environment_values(info: ModuleInfo) -> dict[str, str]:
    """First values of a module's settings that the environment gives, by field name."""
    found = {}
    for name, spec in info.settings_model.model_fields.items():
        extra = spec.json_schema_extra
        variable = extra.get("env") if isinstance(extra, dict) else None
        value = environment_variable(str(variable)) if variable else ""
        if value:
            found[name] = value
    return found


def from_environment(info: ModuleInfo) -> ModuleSettings:
    """Settings before any admin saved; a bad variable is logged and its default used."""
    values: dict[str, Any] = dict(environment_values(info))
    while True:
        try:
            return info.settings_model(**values)
        except ValidationError as error:
            bad = {str(part["loc"][0]) for part in error.errors() if part["loc"]} & values.keys()
            if not bad:
                raise
            log.error("environment values of a module do not hold", plugin=info.slug, fields=sorted(bad))
            values = {name: value for name, value in values.items() if name not in bad}


def merge(info: ModuleInfo, stored: Mapping[str, Any]) -> ModuleSettings:
    """Stored values over those of the environment over the defaults. Raises ValidationError."""
    return info.settings_model(**{**environment_values(info), **stored})


def encode(values: Mapping[str, Any], box: SecretBox) -> dict[str, Any]:
    """Settings as they are stored: plain JSON values, secrets encrypted."""
    return {
        name: {SECRET: box.seal(value.get_secret_value())} if isinstance(value, SecretStr) else value
        for name, value in values.items()
    }


def decode(stored: Mapping[str, Any], box: SecretBox) -> dict[str, Any]:
    """The inverse of `encode`. Raises ValueError where a secret cannot be decrypted."""
    return {
        name: SecretStr(box.open(value[SECRET])) if isinstance(value, dict) and SECRET in value else value
        for name, value in stored.items()
    }
