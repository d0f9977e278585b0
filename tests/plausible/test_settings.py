"""What an admin, or the environment, may set."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.modules.registry import from_environment
from app.runtime import Runtime
from app.services import modules
from plugins.plausible import plugin
from plugins.plausible.settings import PlausibleSettings
from tests.conftest import PASSWORD
from tests.support.web import get, log_in, post

CANARY = "canary-7b1f3e9a52"
FROM_THE_ENVIRONMENT = {"track_opens", "track_clicks", "base_url", "site_domain", "api_key", "send_to_plausible"}


def problems(**values: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        PlausibleSettings(**values)
    return {str(error["loc"][0]): error["msg"] for error in caught.value.errors()}


def test_tracking_is_on_and_sending_off_at_first() -> None:
    settings = PlausibleSettings()
    assert (settings.track_opens, settings.track_clicks, settings.send_to_plausible) == (True, True, False)
    assert (settings.skip_visible_url, settings.pixel_position, settings.track_text_links) == (True, "auto", False)
    assert (settings.base_url, settings.site_domain, settings.api_key) == ("https://plausible.io", "", None)


@pytest.mark.parametrize(
    "url",
    [
        "plausible.io",
        "https://",
        "ftp://plausible.io",
        "https://u:p@plausible.io",
        "https://plausible.io/sub",
        "https://plausible.io?x",
        "https://a b",
        "https://x:y",
        "https://[",
    ],
)
def test_what_is_no_address_is_refused_at_its_field(url: str) -> None:
    assert list(problems(base_url=url)) == ["base_url"]


@pytest.mark.parametrize("url", ["https://stats.example.com/", "http://127.0.0.1:8000", "http://localhost"])
def test_an_own_server_may_be_used(url: str) -> None:
    assert PlausibleSettings(base_url=url).base_url == url.rstrip("/")


@pytest.mark.parametrize("domain", ["https://help.example.com", "help example.com", "-x", "a\nb", "x" * 300])
def test_a_site_that_is_no_domain_is_refused_at_its_field(domain: str) -> None:
    assert list(problems(site_domain=domain)) == ["site_domain"]


def test_sending_needs_the_site_domain() -> None:
    assert "site domain" in problems(send_to_plausible=True)["send_to_plausible"]
    assert PlausibleSettings(send_to_plausible=True, site_domain="Help.example.com").site_domain == "help.example.com"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("open_event_name", ""), ("open_event_name", "pageview"), ("click_event_name", "engagement"),
        ("click_event_name", "x" * 101), ("open_event_name", "a\nb"), ("site_timezone", "Mars/Olympus"),
        ("too_old_hours", 25), ("sync_concurrency", 0),
    ],
)  # fmt: skip
def test_what_the_sync_cannot_use_is_refused_at_its_field(field: str, value: object) -> None:
    assert list(problems(**{field: value})) == [field]


def test_each_setting_has_its_variable_title_and_help() -> None:
    for name, spec in PlausibleSettings.model_fields.items():
        assert isinstance(spec.json_schema_extra, dict)
        variable = f"PLAUSIBLE_{name.upper()}" if name in FROM_THE_ENVIRONMENT else None
        assert spec.json_schema_extra.get("env") == variable
        assert spec.title
        assert spec.description


def test_the_environment_gives_the_first_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAUSIBLE_TRACK_OPENS", "false")
    monkeypatch.setenv("PLAUSIBLE_API_KEY", CANARY)
    settings = from_environment(plugin.module_info())
    assert isinstance(settings, PlausibleSettings)
    assert not settings.track_opens
    assert settings.api_key == SecretStr(CANARY)


def test_a_switch_in_the_environment_that_does_not_hold_is_left_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAUSIBLE_SEND_TO_PLAUSIBLE", "true")
    settings = from_environment(plugin.module_info())
    assert isinstance(settings, PlausibleSettings)
    assert not settings.send_to_plausible


async def test_the_form_shows_what_is_wrong_at_the_field_and_saves_nothing(portal: Runtime) -> None:
    with pytest.raises(modules.ModuleError) as caught:
        await modules.save("plausible", {"base_url": "plausible.io", "track_opens": False}, user=None)
    assert list(caught.value.fields) == ["base_url"]
    assert portal.modules["plausible"].settings == PlausibleSettings()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://10.0.0.1", "OUTBOUND_ALLOWED"),
        ("http://93.184.216.34", "must start with https://"),
        ("https://plausible.invalid", "could not be looked up"),
        ("https://127.1", "usual form"),
    ],
)
async def test_a_server_that_may_not_be_called_is_refused_when_saved(portal: Runtime, url: str, words: str) -> None:
    with pytest.raises(modules.ModuleError) as caught:
        await modules.save("plausible", {"base_url": url, "track_opens": False}, user=None)
    assert words in caught.value.fields["base_url"]
    assert portal.modules["plausible"].settings == PlausibleSettings()


async def test_a_server_of_our_own_may_be_named(portal: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal, "settings", portal.settings.model_copy(update={"outbound_allowed": ["10.0.0.0/8"]}))
    await modules.save("plausible", {"base_url": "http://10.0.0.1:8000"}, user=None)
    # Other fields can be saved while it cannot be looked up.
    monkeypatch.setattr(portal, "settings", portal.settings.model_copy(update={"outbound_allowed": []}))
    await modules.save("plausible", {"track_clicks": False}, user=None)
    settings = portal.modules["plausible"].settings
    assert isinstance(settings, PlausibleSettings)
    assert (settings.base_url, settings.track_clicks) == ("http://10.0.0.1:8000", False)


async def test_the_api_key_is_shown_and_stored_nowhere_in_the_clear(
    portal: Runtime, world: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    await modules.save("plausible", {"api_key": CANARY}, user=None)
    user_id = await accounts.create_user(email="ada@portal.test", name="Ada", role="admin", password=PASSWORD)
    ada = await accounts.user_by_id(user_id)
    assert ada is not None
    browser = await log_in(world.app, ada)
    for path in ("/admin/modules", "/admin/modules/plausible"):
        response = await get(browser, path)
        assert response.status_code == 200
        assert CANARY not in await response.get_data(as_text=True)
    await post(browser, "/admin/modules/plausible", {"base_url": "nonsense"})
    async with portal.database.connection() as conn:
        stored = await conn.fetch_all("SELECT settings FROM integration_modules")
        logged = await conn.fetch_all("SELECT detail FROM audit_log")
    assert CANARY not in f"{stored}{logged}{portal.modules['plausible']}{await portal.plugins.check('plausible')}"
    output = capfd.readouterr()
    assert CANARY not in output.out + output.err
    settings = portal.modules["plausible"].settings
    assert isinstance(settings, PlausibleSettings)
    assert settings.api_key == SecretStr(CANARY)
