"""Admin → Integration Modules: switching, configuring, secrets, sources of values, the audit log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal

import pytest
from pydantic import Field, HttpUrl, SecretStr
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.accounts.models import User
from app.hookspecs import CheckResult, ModuleInfo, ModuleSettings, PluginContext, hookimpl
from app.modules import forms, service
from app.runtime import Runtime
from app.settings import Settings
from tests.support.web import get, log_in, post

KEY = "canary-4f1d9a0c7f"


class EchoSettings(ModuleSettings):
    base_url: HttpUrl = Field(
        HttpUrl("https://echo.example"), title="Base URL", json_schema_extra={"env": "ECHO_BASE_URL", "group": "Server"}
    )
    api_key: SecretStr | None = Field(None, title="API key", json_schema_extra={"group": "Server"})
    loud: bool = Field(True, title="Loud", description="Says it twice.")
    mode: Literal["soft", "hard"] = Field("soft", title="Mode")
    times: int = Field(2, title="Times", ge=1, le=9)


class Echo:
    """A module with every kind of setting."""

    context: PluginContext

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("echo", "Echo", "Repeats <what> it hears.", "📣", EchoSettings)

    @hookimpl
    def started(self, context: PluginContext) -> None:
        self.context = context

    @hookimpl
    async def check(self) -> Sequence[CheckResult]:
        return [CheckResult("Microphone", True, "hears us")]

    @hookimpl
    async def test(self) -> Sequence[CheckResult]:
        return [*await self.check(), CheckResult("Valley", False, "gives <nothing> back: shout louder")]


@pytest.fixture
async def runtime(settings: Settings, empty_database: None) -> AsyncIterator[Runtime]:
    runtime = Runtime.build(settings, plugins={"echo": Echo()})
    with runtime.entered():
        await runtime.register_modules()
        await runtime.open()
        yield runtime
    await runtime.close()


@pytest.fixture
async def app(settings: Settings, runtime: Runtime) -> AsyncIterator[Quart]:
    application = create_app(settings, plugins={"echo": Echo()})
    await application.startup()
    yield application
    await application.shutdown()


FORM = {"base_url": "https://other.example", "mode": "hard", "times": "3", "api_key": KEY}


async def test_a_switch_reaches_another_process_within_two_seconds(runtime: Runtime, app: Quart, admin: User) -> None:
    other: Runtime = app.extensions["runtime"]
    assert not other.modules.is_enabled("echo")
    await service.set_enabled("echo", enabled=True, user=admin)
    assert runtime.modules.is_enabled("echo")
    await _until(lambda: other.modules.is_enabled("echo"))


async def test_saved_settings_are_used_and_shown_with_who_saved_them(
    admin_client: Client, runtime: Runtime, app: Quart
) -> None:
    response = await post(admin_client, "/admin/modules/echo", FORM)
    assert response.status_code == 303
    await runtime.modules.refresh()
    saved = runtime.modules["echo"].settings
    assert isinstance(saved, EchoSettings)
    assert (str(saved.base_url), saved.mode, saved.times, saved.loud) == ("https://other.example/", "hard", 3, False)
    assert saved.api_key is not None
    assert saved.api_key.get_secret_value() == KEY
    page = await (await get(admin_client, "/admin/modules/echo")).get_data(as_text=True)
    assert "Saved by Ada Admin" in page
    assert "…7f" in page


async def test_a_secret_is_encrypted_at_rest_and_never_on_a_page_or_in_the_audit_log(
    admin_client: Client, runtime: Runtime
) -> None:
    await post(admin_client, "/admin/modules/echo", FORM)
    async with runtime.database.connection() as conn:
        stored = await conn.fetch_value("SELECT settings FROM integration_modules WHERE slug = 'echo'")
        audit = await conn.fetch_all("SELECT action, detail FROM audit_log WHERE subject = 'module:echo'")
    assert KEY not in stored
    assert "$secret" in json.loads(stored)["api_key"]
    assert [row["action"] for row in audit] == ["module.configure"]
    assert json.loads(audit[0]["detail"])["api_key"] == "changed"
    for path in ("/admin/modules/echo", "/admin/modules"):
        assert KEY not in await (await get(admin_client, path)).get_data(as_text=True)


async def test_a_secret_left_empty_stays_and_can_be_removed(admin_client: Client, runtime: Runtime) -> None:
    await post(admin_client, "/admin/modules/echo", FORM)
    await post(admin_client, "/admin/modules/echo", {**FORM, "api_key": ""})
    await runtime.modules.refresh()
    assert runtime.modules["echo"].stored["api_key"].get_secret_value() == KEY
    await post(admin_client, "/admin/modules/echo", {**FORM, "api_key": "", "clear_api_key": "1"})
    await runtime.modules.refresh()
    assert "api_key" not in runtime.modules["echo"].stored


async def test_bad_values_are_named_at_their_field_and_nothing_is_saved(admin_client: Client, runtime: Runtime) -> None:
    response = await post(
        admin_client, "/admin/modules/echo", {**FORM, "times": "12", "base_url": "gopher://x", "mode": "odd"}
    )
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert "<title>Error: " in page
    assert "less than or equal to 9" in page
    assert "got &#39;12&#39;" in page
    assert "got &#39;gopher://x&#39;" in page
    assert 'value="gopher://x"' in page
    await runtime.modules.refresh()
    assert runtime.modules["echo"].stored == {}


async def test_two_admins_do_not_overwrite_each_other(admin_client: Client, runtime: Runtime) -> None:
    version = str(runtime.modules["echo"].version)
    await post(admin_client, "/admin/modules/echo", {**FORM, "version": version})
    response = await post(admin_client, "/admin/modules/echo", {**FORM, "times": "9", "version": version})
    assert response.status_code == 422
    assert "Somebody else saved" in await response.get_data(as_text=True)
    await runtime.modules.refresh()
    assert runtime.modules["echo"].stored["times"] == 3


async def test_the_environment_gives_first_values_until_an_admin_saves(
    settings: Settings, empty_database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHO_BASE_URL", "https://env.example")
    runtime = Runtime.build(settings, plugins={"echo": Echo()})
    with runtime.entered():
        await runtime.register_modules()
        await runtime.open(watch=False)
        before = runtime.modules["echo"].settings
        assert isinstance(before, EchoSettings)
        assert str(before.base_url) == "https://env.example/"
        await service.save("echo", {"base_url": "https://saved.example"}, user=None)
        after = runtime.modules["echo"].settings
        assert isinstance(after, EchoSettings)
        assert str(after.base_url) == "https://saved.example/"
        await service.forget("echo", user=None)
        again = runtime.modules["echo"].settings
        assert isinstance(again, EchoSettings)
        assert str(again.base_url) == "https://env.example/"
    await runtime.close()


async def test_a_bad_environment_value_is_left_aside(
    settings: Settings, empty_database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHO_BASE_URL", "not a url")
    runtime = Runtime.build(settings, plugins={"echo": Echo()})
    found = runtime.modules["echo"].settings
    assert isinstance(found, EchoSettings)
    assert str(found.base_url) == "https://echo.example/"
    await runtime.close()


async def test_a_rotated_key_still_opens_secrets_and_a_lost_one_is_reported(
    settings: Settings, runtime: Runtime
) -> None:
    await service.save("echo", {"api_key": KEY}, user=None)
    rotated = settings.model_copy(
        update={"secret_key": SecretStr("n" * 64), "secret_key_previous": [settings.secret_key]}
    )
    lost = settings.model_copy(update={"secret_key": SecretStr("z" * 64)})
    for changed, expected in ((rotated, KEY), (lost, None)):
        other = Runtime.build(changed, plugins={"echo": Echo()})
        with other.entered():
            await other.open(watch=False)
            key = getattr(other.modules["echo"].settings, "api_key", None)
            assert (key.get_secret_value() if key else None) == expected
            assert ("SECRET_KEY_PREVIOUS" in other.modules["echo"].problem) == (expected is None)
        await other.close()


async def test_an_agent_may_not_see_or_change_modules(agent_client: Client, runtime: Runtime) -> None:
    assert (await get(agent_client, "/admin/modules")).status_code == 403
    assert (await post(agent_client, "/admin/modules/echo/toggle", {"enabled": "1"})).status_code == 403
    await runtime.modules.refresh()
    assert not runtime.modules.is_enabled("echo")


async def test_a_form_without_token_changes_nothing(app: Quart, admin: User, runtime: Runtime) -> None:
    client = await log_in(app, admin)
    response = await client.post("/admin/modules/echo/toggle", form={"enabled": "1"}, headers={"Host": "portal.test"})
    assert response.status_code == 403
    await runtime.modules.refresh()
    assert not runtime.modules.is_enabled("echo")


async def test_the_page_escapes_and_shows_the_self_test(admin_client: Client) -> None:
    page = await (await get(admin_client, "/admin/modules/echo")).get_data(as_text=True)
    assert "Repeats &lt;what&gt; it hears." in page
    assert "Microphone" in page


async def test_only_the_button_asks_other_servers(admin_client: Client, agent_client: Client) -> None:
    for page in ("/admin/modules/echo", "/admin/modules"):
        assert "Valley" not in await (await get(admin_client, page)).get_data(as_text=True)
    assert (await get(admin_client, "/admin/modules/echo/test")).status_code == 303, "where a reload ends"
    response = await post(admin_client, "/admin/modules/echo/test", {})
    page = await response.get_data(as_text=True)
    assert response.status_code == 200
    assert "One step of 2 failed" in page
    assert "gives &lt;nothing&gt; back: shout louder" in page
    assert 'action="/admin/modules/echo"' in page, "Save goes to the module's page also from here"
    assert (await post(admin_client, "/admin/modules/nothing/test", {})).status_code == 404
    assert (await post(agent_client, "/admin/modules/echo/test", {})).status_code == 403


async def test_a_failing_plugin_shows_as_failing(admin_client: Client, runtime: Runtime) -> None:
    await service.set_enabled("echo", enabled=True, user=None)
    runtime.health.note("echo", "email_sent", "ValueError: no <air>")
    await runtime.health.flush()
    page = await (await get(admin_client, "/admin/modules")).get_data(as_text=True)
    assert "Failing: once" in page
    assert "no &lt;air&gt;" in page


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():
            await asyncio.sleep(0.05)


def test_an_inherited_field_stands_where_it_says() -> None:
    class Inherited(ModuleSettings):
        second: str = Field("", json_schema_extra={"after": "first"})
        lost: str = Field("", json_schema_extra={"after": "nothing"})

    class Ordered(Inherited):
        first: str = ""
        third: str = ""

    info = ModuleInfo("sample", "Sample", "", "🧪", settings_model=Ordered)

    [fields] = forms.build(info, Ordered(), {}, saved="").values()

    assert [field.name for field in fields] == ["first", "second", "third", "lost"]
