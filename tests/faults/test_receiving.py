"""Mail keeps coming while the database has no room, freezes or dies: what we acknowledged is there, once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
import pytest

from app.database import DatabaseUnavailable
from app.inbound import processing
from app.inbound.lmtp import Listener
from app.localdb import LocalDatabase
from app.runtime import Runtime
from app.settings import Settings
from tests.conftest import SECRET_KEY
from tests.inbound.conftest import mail
from tests.inbound.test_ways_in import talk
from tests.support.faults import copied
from tests.support.small_disk import fill, relieve, small_disk


@asynccontextmanager
async def listening(database: LocalDatabase) -> AsyncIterator[tuple[Runtime, int]]:
    """A listener over this database, which may break; its port."""
    runtime = Runtime.build(
        Settings(_env_file=None, database_url=database.url, portal_url="http://portal.test", secret_key=SECRET_KEY)
    )
    with runtime.entered():
        await runtime.open(watch=False)
        try:
            async with Listener(runtime, host="127.0.0.1", port=0) as listener:
                yield runtime, listener.port
        finally:
            await runtime.close()


async def hand_over(port: int, raw: bytes) -> int:
    """The answer to a mail; whoever got no 250 tries again, as mail servers do."""
    answers = await anyio.to_thread.run_sync(talk, port, raw, ["support@portal.test"])
    return answers[0][0]


def letter(number: int, *, size: int = 300_000) -> bytes:
    """A mail that does not compress."""
    return mail(f"number {number}\n{secrets.token_hex(size // 2)}", subject=f"Mail {number}")


async def numbers(runtime: Runtime) -> list[str]:
    """Subjects of what became messages, sorted."""
    # As the worker does: a connection from before the fault may be the next one, and the next look goes on.
    for _ in range(20):
        try:
            while await processing.run_due(runtime):
                pass
            break
        except DatabaseUnavailable:
            await asyncio.sleep(0.1)
    async with runtime.database.connection() as conn:
        held = await conn.fetch_value("SELECT COUNT(*) FROM inbound_mails WHERE state <> 'processed'")
        assert held == 0
        rows = await conn.fetch_all("SELECT subject FROM tickets ORDER BY id")
    return sorted(row["subject"] for row in rows)


async def test_a_full_disk_refuses_mails_for_now_and_loses_none(template: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=160) as disk:
        database = copied(template, disk / "db")
        database.start()
        try:
            async with listening(database) as (runtime, port):
                waiting = {number: letter(number) for number in range(60)}
                for number in range(3):
                    assert await hand_over(port, waiting.pop(number)) == 250
                fill(disk)
                answers = set()
                for number in list(waiting):
                    answers.add(code := await hand_over(port, waiting[number]))
                    if code == 250:
                        del waiting[number]
                assert 451 in answers, "the disk was never full"
                assert answers <= {250, 451}
                relieve(disk)
                # MariaDB ends itself when it cannot write; its service manager starts it again.
                database.kill()
                database.start()
                for number, raw in waiting.items():
                    assert await hand_over(port, raw) == 250, number
                assert await numbers(runtime) == sorted(f"Mail {number}" for number in range(60))
        finally:
            database.kill()


@pytest.mark.parametrize("fault", ["killed", "frozen"])
async def test_a_database_that_breaks_while_mail_comes_loses_none(template: Path, tmp_path: Path, fault: str) -> None:
    database = copied(template, tmp_path / "db")
    database.start()
    try:
        async with listening(database) as (runtime, port):
            waiting = {number: letter(number, size=20_000) for number in range(40)}
            refused, broken = 0, asyncio.Event()

            async def keep_trying(mine: list[int]) -> None:
                """Half of it before the fault, half while it lasts."""
                nonlocal refused
                half = len(mine) // 2
                while mine:
                    if len(mine) == half:
                        await broken.wait()
                    if await hand_over(port, waiting[mine[0]]) == 250:
                        mine.pop(0)
                    else:
                        refused += 1
                        await asyncio.sleep(0.1)

            tasks = [asyncio.create_task(keep_trying(list(range(first, 40, 4)))) for first in range(4)]
            await asyncio.sleep(0.1)
            if fault == "killed":
                database.kill()
                broken.set()
                await asyncio.sleep(0.5)
                database.start()
            else:
                database.pause()
                broken.set()
                await asyncio.sleep(1)
                database.resume()
            async with asyncio.timeout(60):
                await asyncio.gather(*tasks)
            assert await numbers(runtime) == sorted(f"Mail {number}" for number in range(40))
            assert refused or fault == "frozen"
    finally:
        database.kill()
