"""What the commands of `myportal` have in common: a runtime to work in, clear errors, and those that plugins add."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import TypeVar

import click

from app import log
from app.accounts.errors import AccountError
from app.database import DatabaseUnavailable
from app.migrations import MigrationError
from app.plugin_discovery import discover
from app.plugin_host import PluginHost
from app.runtime import Runtime
from app.settings import ConfigurationError, Settings, load_settings

T = TypeVar("T")


class PortalCommands(click.Group):
    """The portal's own commands, then those of plugins, which are looked for only where they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, for `myportal --help`; needs neither settings nor database."""
        return sorted({*self.commands, *self._added})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, or None."""
        return super().get_command(ctx, cmd_name) or self._added.get(cmd_name)

    @cached_property
    def _added(self) -> Mapping[str, click.Command]:
        # What goes wrong with a plugin is told before anybody has read the settings.
        log.to_standard_error()
        return PluginHost(discover()).commands(taken=self.commands)


def settings() -> Settings:
    """The settings of this command, with logging set up by them. Raises ClickException naming what is wrong."""
    try:
        found = load_settings()
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
    log.configure(found)
    return found


def run(work: Callable[[Runtime], Awaitable[T]], *, check_schema: bool = True) -> T:
    """Run `work` inside a runtime; faults that an operator can mend become one clear message and exit code 1."""

    async def inside() -> T:
        runtime = Runtime.build(given, pool_size=4)
        try:
            if check_schema:
                await runtime.open(watch=False)
            with runtime.entered():
                return await work(runtime)
        finally:
            await runtime.close()

    given = settings()
    try:
        return asyncio.run(inside())
    except (ConfigurationError, DatabaseUnavailable, MigrationError, AccountError) as error:
        raise click.ClickException(str(error)) from None
