"""`myportal doctor` names what is wrong and the way out."""

from __future__ import annotations

import asyncio

from app.doctor import examine
from app.modules import service
from app.runtime import Runtime
from app.settings import Settings


async def test_it_names_a_missing_mail_server_and_a_module_that_is_off(runtime: Runtime) -> None:
    results = {result.name: result for result in await examine(runtime)}
    assert results["Database"].ok
    assert not results["Mail server"].ok
    assert "SMTP_HOST" in results["Mail server"].message
    assert results["Plausible Analytics"].message == "off"


async def test_it_runs_the_checks_of_enabled_modules(runtime: Runtime) -> None:
    await service.set_enabled("plausible", enabled=True, user=None)
    results = {result.name: result for result in await examine(runtime)}
    assert "Plausible Analytics, Portal address" in results
    assert not results["Plausible Analytics, Portal address"].ok, "http://portal.test is not https"


async def test_it_tells_whether_the_mail_server_answers(settings: Settings, empty_database: None) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    runtime = Runtime.build(settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": port}))
    with runtime.entered():
        await runtime.register_modules()
        assert {result.name: result.ok for result in await examine(runtime)}["Mail server"]
        server.close()
        await server.wait_closed()
        assert not {result.name: result.ok for result in await examine(runtime)}["Mail server"]
    await runtime.close()
