"""Plugins' own handlers before Quart, in a portal with a plugin of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import structlog
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.hookspecs import Answer, CheckResult, DirectRoute, ModuleInfo, Scope, hookimpl
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings


def echo(scope: Scope, answer: Answer) -> None:
    body = f"{scope['method']} {scope['path']}".encode()
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
    answer(start, {"type": "http.response.body", "body": body})
    answer({**start, "status": 418}, {"type": "http.response.body", "body": b"a second answer"})


async def later(scope: Scope, answer: Answer) -> None:
    await asyncio.sleep(0.01)
    echo(scope, answer)


def broken(scope: Scope, answer: Answer) -> None:
    raise RuntimeError(f"the secret of {scope['path']}")


async def broken_later(scope: Scope, answer: Answer) -> None:
    await asyncio.sleep(0)
    broken(scope, answer)


class Fast:
    """A plugin with applications of its own, and something to say about its health."""

    def __init__(self) -> None:
        self.problems: list[CheckResult] = []

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("fast", "Fast", "Answers at once.", "⚡")

    @hookimpl
    def direct_routes(self) -> Sequence[DirectRoute]:
        return [
            DirectRoute(("/fast/", "/quick"), echo),
            DirectRoute(("/fast/",), broken),
            DirectRoute(("/later/",), later),
            DirectRoute(("/broken/later",), broken_later),
            DirectRoute(("/broken",), broken),
            DirectRoute(("/",), broken),
        ]

    @hookimpl
    def readiness(self) -> Sequence[CheckResult]:
        return self.problems


@pytest.fixture
def plugin() -> Fast:
    return Fast()


@pytest.fixture
async def client(settings: Settings, empty_database: None, plugin: Fast) -> AsyncIterator[Client]:
    app = create_app(settings, plugins={"fast": plugin})
    runtime: Runtime = app.extensions["runtime"]
    with runtime.entered():
        await runtime.register_modules()
        async with app.test_app():
            yield app.test_client()


@pytest.mark.parametrize("path", ["/fast/x", "/fast/", "/quick", "/quicker", "/later/"])
async def test_what_begins_with_a_prefix_goes_to_the_first_that_claims_it(client: Client, path: str) -> None:
    response = await client.get(path, headers={"Host": "elsewhere.example"})
    assert (response.status_code, await response.get_data()) == (200, f"GET {path}".encode())
    assert not {"Content-Security-Policy", "Set-Cookie", "Cache-Control"} & set(response.headers.keys())


@pytest.mark.parametrize("path", ["/fast", "/healthz/fast/", "/FAST/x"])
async def test_everything_else_goes_to_the_portal(client: Client, path: str) -> None:
    assert (await client.get(path, headers={"Host": "elsewhere.example"})).status_code == 400


async def test_a_prefix_that_would_take_the_whole_portal_is_refused(client: Client) -> None:
    assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("path", ["/broken/token", "/broken/later/token"])
async def test_one_that_raises_costs_its_own_answer_and_its_words_stay_out_of_the_log(
    client: Client, path: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await client.get(path)
    assert response.status_code == 500
    assert [(line["plugin"], line["error"]) for line in logs] == [("fast", "RuntimeError")]
    assert "token" not in str(logs)


async def test_a_module_that_is_hindered_makes_the_process_not_ready(client: Client, plugin: Fast) -> None:
    await modules.set_enabled("fast", enabled=True, user=None)
    plugin.problems = [CheckResult("Engine", True, "runs")]
    response = await client.get("/readyz")
    assert (response.status_code, await response.get_json()) == (200, {"ready": True, "checks": {"Engine": "runs"}})
    plugin.problems = [CheckResult("Engine", False, "out of fuel: fill it")]
    response = await client.get("/readyz")
    assert response.status_code == 503
    assert (await response.get_json())["reason"] == "Engine: out of fuel: fill it"
