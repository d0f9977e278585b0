"""Giving out and erasing a contact over the API."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from quart import Quart

from app.accounts import profile
from app.accounts.models import User
from app.plugin_privacy import PluginFailed
from app.privacy import erasure
from app.runtime import Runtime, current
from app.services import tickets
from app.settings import Settings
from tests.api.conftest import Api, call_as_described
from tests.support.web import HOST


@pytest.fixture
async def ada_api(app: Quart, admin: User) -> Api:
    """Calls in the name of Ada, an admin."""
    token = await profile.create_api_token(admin, name="tests")
    return Api(app.test_client(), {"Authorization": f"Bearer {token}"})


@pytest.fixture
async def bob(api: Api) -> int:
    """Bob's number as a contact; he has a ticket."""
    return (await tickets.ticket(await api.new_ticket())).contact_id


async def _audit(action: str) -> int:
    async with current().database.connection() as conn:
        return int(
            await conn.fetch_value("SELECT COUNT(*) FROM audit_log WHERE action = %(action)s", {"action": action})
        )


async def test_the_zip_holds_all_and_says_whether_it_does(
    ada_api: Api, bob: int, app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Host": HOST, **ada_api.headers}
    response = await ada_api.client.get(f"/api/contacts/{bob}/export", headers=headers)
    assert (response.status_code, response.mimetype) == (200, "application/zip")
    assert response.headers["X-Export-Complete"] == "yes"
    assert response.headers["Cache-Control"] == "no-store"
    assert f"contact-{bob}-" in response.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(await response.get_data(as_text=False))) as found:
        assert json.loads(found.read("data.json"))["portal"]["tickets"][0]["subject"] == "The printer is on fire"
    assert await _audit("contact.export") == 1

    async def broken(slug: str, person: object) -> None:
        raise PluginFailed("no air")

    monkeypatch.setattr(app.extensions["runtime"].plugins, "export_contact", broken)
    response = await ada_api.client.get(f"/api/contacts/{bob}/export", headers=headers)
    assert response.headers["X-Export-Complete"] == "no"


async def test_erasing_needs_the_address_and_tells_how_far_it_is(ada_api: Api, bob: int, runtime: Runtime) -> None:
    path = f"/contacts/{bob}/erasure"
    assert (await ada_api.get(path)).status == 404, "nobody asked for it"
    for body, field in (
        ({}, "confirm"),
        ({"confirm": "eve@example.org"}, "confirm"),
        ({"confirm": True}, "confirm"),
        ({"confirm": "bob@example.org", "keep_ours": "yes"}, "keep_ours"),
        ({"confirm": "bob@example.org", "now": True}, "now"),
    ):
        refused = await ada_api.post(path, body)
        assert refused.status == 422
        assert field in refused.fields
    assert (await ada_api.get(path)).status == 404
    assert (await ada_api.get(f"/contacts/{bob}")).json["email"] == "bob@example.org"

    asked = await ada_api.post(path, {"confirm": " Bob@example.org", "keep_ours": True})
    assert asked.status == 202
    assert (asked.json["state"], asked.json["keep_ours"], asked.json["requested_by"]) == ("waiting", True, "Ada Admin")
    assert {part["name"] for part in asked.json["parts"]} >= {"portal", "plausible"}
    assert (await ada_api.post(path, {"confirm": "bob@example.org"})).json["id"] == asked.json["id"], "it is the same"

    await erasure.run_due(runtime)
    done = (await ada_api.get(path)).json
    assert done["state"] == "done"
    assert done["finished_at"]
    assert all(part["state"] == "done" and part["next_at"] is None for part in done["parts"])
    assert (await ada_api.get(f"/contacts/{bob}")).json["email"] == f"erased-{bob}@contact.invalid"
    assert (await ada_api.post(path, {"confirm": "bob@example.org"})).status == 422, "that address is nobody's now"
    assert await _audit("contact.erase") == 1


async def test_what_failed_is_told_and_tried_again_by_the_same_request(
    ada_api: Api, bob: int, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(slug: str, person: object) -> None:
        raise PluginFailed("no air")

    with monkeypatch.context() as patched:
        patched.setattr(runtime.plugins, "erase_contact", broken)
        await ada_api.post(f"/contacts/{bob}/erasure", {"confirm": "bob@example.org"})
        await erasure.run_due(runtime)
    found = (await ada_api.get(f"/contacts/{bob}/erasure")).json
    assert found["state"] == "failed"
    failed = [part for part in found["parts"] if part["state"] == "failed"]
    assert {part["name"] for part in failed} == set(runtime.plugins.plugins)
    assert all("no air" in part["message"] and part["next_at"] > found["requested_at"] for part in failed)
    address = (await ada_api.get(f"/contacts/{bob}")).json["email"]
    await ada_api.post(f"/contacts/{bob}/erasure", {"confirm": address})
    await erasure.run_due(runtime)
    assert (await ada_api.get(f"/contacts/{bob}/erasure")).json["state"] == "done"


async def test_only_admins_may(api: Api, ada_api: Api, bob: int, app: Quart) -> None:
    calls = [
        ("GET", f"/contacts/{bob}/export", {}),
        ("GET", f"/contacts/{bob}/erasure", {}),
        ("POST", f"/contacts/{bob}/erasure", {"json": {"confirm": "bob@example.org"}}),
    ]
    for method, path, options in calls:
        assert (await api.call(method, path, **options)).status == 403
        assert (await Api(app.test_client()).call(method, path, **options)).status == 401
        assert (await ada_api.call(method, path.replace(str(bob), "4711"), **options)).status == 404
    assert (await api.get(f"/contacts/{bob}")).json["email"] == "bob@example.org"
    assert await _audit("contact.export") == 0


async def test_no_call_made_from_the_description_breaks_it(
    ada_api: Api, bob: int, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "schemathesis.toml").write_text(f'[parameters]\n"path.contact_id" = {bob}\n')
    await call_as_described(ada_api, settings, tmp_path, paths="^/api/contacts/[^/]*/", examples=10)
    assert await _audit("contact.export") > 0, "no call reached the service"
