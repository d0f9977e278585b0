"""`myportal doctor` names what is wrong and the way out."""

from __future__ import annotations

import asyncio

import pytest

from app.doctor import examine
from app.hookspecs import CheckResult
from app.modules import service
from app.runtime import Runtime
from app.settings import Settings
from tests.plausible.selftest import Answers, answering, http
from tests.support.serving import served


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


async def portal_url(runtime: Runtime, url: str | None, monkeypatch: pytest.MonkeyPatch) -> CheckResult:
    monkeypatch.setattr(runtime, "settings", runtime.settings.model_copy(update={"portal_url": url}))
    return {result.name: result for result in await examine(runtime)}["PORTAL_URL"]


async def test_it_goes_to_the_portal_through_the_network(
    runtime: Runtime, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(settings) as url:
        found = await portal_url(runtime, url, monkeypatch)
    assert found == CheckResult("PORTAL_URL", True, f"{url} answers (only on this machine: for trying out)")
    found = await portal_url(runtime, url, monkeypatch)
    assert "is the web process running" in found.message
    found = await portal_url(runtime, "http://portal.test", monkeypatch)
    assert "could not be looked up" in found.message
    assert "Check its spelling" in found.message
    assert "is not set" in (await portal_url(runtime, None, monkeypatch)).message


@pytest.mark.parametrize(
    ("answer", "good", "words"),
    [
        (
            lambda path: http(b"ok\n" if path == "/healthz" else b"<h1>", content_type="text/html"),
            True,
            "for trying out",
        ),
        (http(b"<h1>Nextcloud", content_type="text/html"), False, "another server"),
        (http(status="503 Busy"), False, "does not get through to the portal"),
    ],
)
async def test_it_tells_what_stands_at_the_portals_address(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, answer: Answers, good: bool, words: str
) -> None:
    async with answering(answer) as url:
        found = await portal_url(runtime, url, monkeypatch)
    assert found.ok == good
    assert words in found.message


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
