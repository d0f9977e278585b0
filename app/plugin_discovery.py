"""Finds plugins, and refuses those that break the contract."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from importlib.metadata import entry_points

import structlog

from app.hookspecs import PROJECT, MyPortalSpec

log = structlog.get_logger(__name__)

GROUP = "myportal.plugins"


class PluginError(Exception):
    """A plugin broke its contract; the message names the hook and the rule."""


def discover() -> dict[str, object]:
    """Built-in plugins (`plugins/*` with an attribute `plugin`) and installed ones (entry points), by slug.

    One that cannot be imported is logged and left out, and the portal starts.
    """
    found: dict[str, object] = {}
    package = importlib.import_module("plugins")
    for module in pkgutil.iter_modules(package.__path__):
        _load(found, f"plugins.{module.name}", functools.partial(_built_in, f"plugins.{module.name}"))
    for entry in entry_points(group=GROUP):
        _load(found, entry.value, entry.load)
    return found


def _built_in(name: str) -> object:
    return importlib.import_module(name).plugin


def _load(found: dict[str, object], origin: str, load: Callable[[], object]) -> None:
    try:
        plugin = load()
        slug = plugin.module_info().slug  # type: ignore[attr-defined]
    except Exception as error:
        log.error("plugin could not be loaded", origin=origin, error=words(error))
        return
    if slug in found:
        log.error("plugin left out: its slug is taken", origin=origin, slug=slug)
        return
    found[slug] = plugin


def check_contract(plugin: object) -> None:
    """Refuse a plugin whose hooks differ from their specs in being async, in arguments or in name.

    pluggy itself checks names of arguments only, so that a plain `def` for an `async def` would register in silence.
    """
    marker = f"{PROJECT}_impl"
    for name, method in inspect.getmembers(plugin, callable):
        if getattr(method, marker, None) is None:
            continue
        spec = getattr(MyPortalSpec, name, None)
        if spec is None:
            raise PluginError(f"{name} is no hook of the portal; see docs/plugins.md")
        if inspect.iscoroutinefunction(spec) != inspect.iscoroutinefunction(method):
            wanted = "async def" if inspect.iscoroutinefunction(spec) else "def, not async def"
            raise PluginError(f"{name} must be {wanted}; see docs/plugins.md")
    if not callable(getattr(plugin, "module_info", None)):
        raise PluginError("module_info is missing; see docs/plugins.md")


def words(error: BaseException) -> str:
    """A failure in one line, for logs and the module's page."""
    return f"{type(error).__name__}: {error}"[:1000]
