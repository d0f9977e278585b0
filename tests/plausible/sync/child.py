"""A worker that does nothing but sync, to be killed: `python -m tests.plausible.sync.child`."""

from __future__ import annotations

import asyncio

from app.runtime import ensure
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.job import Sync


async def main() -> None:
    """Send until somebody ends us."""
    async with ensure() as runtime:
        settings = runtime.modules["plausible"].settings
        if not isinstance(settings, PlausibleSettings):
            raise TypeError("these are not the module's settings")
        sync = Sync(runtime.database, runtime.settings.key, lambda: settings)
        print("ready", flush=True)  # noqa: T201
        while True:
            await sync.run()
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main())
