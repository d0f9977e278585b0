"""What every process of the portal holds: settings, database, plugins, modules. One is current per task."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial

import structlog

from app.consent import links as optout
from app.consent.footer import without_tokens
from app.crypto import SecretBox
from app.customer.links import PATH, TicketLinks
from app.database import Database, DatabaseUnavailable
from app.files.contents import Contents
from app.hookspecs import ModuleInfo, PluginContext
from app.log import configure
from app.migrations import all_migrations, pending
from app.modules import repository as modules_repository
from app.modules.health import HealthNotes
from app.modules.registry import ModuleRegistry
from app.plugin_discovery import discover
from app.plugin_host import PluginHost
from app.settings import ConfigurationError, Settings, load_settings

log = structlog.get_logger(__name__)

_CURRENT: ContextVar[Runtime] = ContextVar("runtime")


@dataclass
class Runtime:
    """Build with `build`, then `open`; `close` at the end."""

    settings: Settings
    database: Database
    plugins: PluginHost
    modules: ModuleRegistry
    health: HealthNotes
    infos: Mapping[str, ModuleInfo]
    contents: Contents = field(default_factory=Contents)
    """Of files that go out with mails."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    def build(cls, settings: Settings, *, plugins: Mapping[str, object] | None = None, pool_size: int = 10) -> Runtime:
        """Wire the parts; touches neither network nor database."""
        if settings.database_url is None:
            raise ConfigurationError(
                "DATABASE_URL is not set, for example mysql://portal:password@localhost:3306/myportal; "
                "or start with `myportal up`, which runs a private database"
            )
        database = Database(settings.database_url, size=pool_size)
        health = HealthNotes(database)
        host = PluginHost(discover() if plugins is None else plugins, on_error=health.note)
        infos = host.modules()
        registry = ModuleRegistry(database, infos, SecretBox(settings.keys))
        host.is_enabled = registry.is_enabled
        links = (optout.OptOutLinks(settings.keys), TicketLinks(settings.keys))
        host.restore_own = lambda body: without_tokens(
            body, (optout.PATH, PATH), lambda token: any(one.read(token) is not None for one in links)
        )
        host.start(
            {
                slug: PluginContext(
                    settings=settings,
                    database=database,
                    is_enabled=partial(registry.is_enabled, slug),
                    module_settings=lambda slug=slug: registry[slug].settings,  # type: ignore[misc]
                    is_known=lambda: registry.is_known,
                )
                for slug in infos
            }
        )
        return cls(settings, database, host, registry, health, infos)

    async def open(self, *, watch: bool = True, without_database: bool = False) -> None:
        """Check that the schema is up to date and read the modules; with `watch`, keep reading them.

        without_database: go on where the database does not answer; modules count as not known until it does. Raises
        ConfigurationError naming the command to run when migrations are pending, DatabaseUnavailable.
        """
        try:
            await self.check_schema()
            await self.modules.refresh()
        except DatabaseUnavailable as error:
            if not without_database:
                raise
            log.error("started without the database", error=str(error))
        if watch:
            self._tasks = [asyncio.create_task(self.modules.watch()), asyncio.create_task(self.health.watch())]

    async def check_schema(self) -> None:
        """Raises ConfigurationError when a migration is not applied."""
        missing = await pending(self.database, all_migrations(self.plugins.migration_folders()))
        if missing:
            raise ConfigurationError(
                f"{len(missing)} database migration(s) are not applied, first {missing[0]}; run `myportal migrate`"
            )

    async def register_modules(self) -> None:
        """Make or refresh the row of each plugin; part of `myportal migrate`."""
        for info in self.infos.values():
            async with self.database.transaction() as conn:
                await modules_repository.register(conn, info)

    async def close(self) -> None:
        """End the background tasks, write down what plugins did wrong, close the pool."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        await self.health.flush()
        await self.database.close()

    @contextlib.contextmanager
    def entered(self) -> Iterator[Runtime]:
        """Make this runtime the current one inside the block and for tasks started there."""
        token = _CURRENT.set(self)
        try:
            yield self
        finally:
            _CURRENT.reset(token)


def current() -> Runtime:
    """The runtime of this task. Raises RuntimeError outside of one."""
    try:
        return _CURRENT.get()
    except LookupError:
        raise RuntimeError("no portal is running in this task; use `async with app.runtime.ensure()`") from None


@asynccontextmanager
async def ensure() -> AsyncIterator[Runtime]:
    """The current runtime, or, in a plain script, one made from the environment for the length of the block."""
    try:
        runtime = _CURRENT.get()
    except LookupError:
        settings = load_settings()
        if not structlog.is_configured():
            # Standard output is the script's own.
            configure(settings)
        runtime = Runtime.build(settings, pool_size=2)
        try:
            await runtime.open(watch=False)
            with runtime.entered():
                yield runtime
        finally:
            await runtime.close()
    else:
        yield runtime
