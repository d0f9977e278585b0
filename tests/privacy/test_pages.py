"""The pages about privacy as an admin gets them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.contacts import service as contacts
from app.hookspecs import ModuleInfo, Paragraph, hookimpl
from app.plugin_host import PluginHost
from app.privacy import erasure, erasure_steps, nightly
from app.privacy.disclosure import disclosure
from app.runtime import Runtime
from app.services import modules
from plugins.plausible.disclosure import paragraphs
from plugins.plausible.settings import PlausibleSettings
from tests.privacy.conftest import FIRST, NAME, Person, found_in
from tests.support.web import get, log_in, post


async def _text(client: Client, path: str, status: int = 200) -> str:
    response = await get(client, path)
    assert response.status_code == status
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", await response.get_data(as_text=True))).split())


async def test_the_text_says_what_the_settings_say(
    portal: Runtime, ada_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # There is no name server to ask where the settings are saved.
    monkeypatch.setattr(portal, "settings", portal.settings.model_copy(update={"outbound_allowed": ["10.0.0.1"]}))
    page = await _text(ada_client, "/admin/privacy")
    assert "only the network" in page
    assert "in full for 30 days" in page
    assert "deleted after 730 days" in page
    assert "Nothing about opened mails or followed links is passed on" in page
    await modules.save(
        "plausible",
        {
            "ip_mode": "none", "keep_agents_days": 1, "keep_days": 7, "track_clicks": False,
            "site_domain": "help.example.com", "send_to_plausible": True, "base_url": "https://10.0.0.1",
        },
        user=None,
    )  # fmt: skip
    await portal.modules.refresh()
    response = await get(ada_client, "/admin/privacy/disclosure.txt")
    text = await response.get_data(as_text=True)
    assert response.headers["content-disposition"] == 'attachment; filename="privacy-policy.txt"'
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    for words in ("We do not store the IP address.", "in full for 1 day;", "after 7 days", "10.0.0.1"):
        assert words in text
    assert "which links in it were followed" not in text


@pytest.mark.parametrize("mode", ["full", "cut", "hash", "none"])
def test_each_mode_has_words_of_its_own(mode: str) -> None:
    told = {
        one: paragraphs(PlausibleSettings(ip_mode=one), enabled=True)[0].text for one in ("full", "cut", "hash", "none")
    }
    assert len(set(told.values())) == 4
    assert told[mode]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "if you have told us that you do not want it. You can turn it off at any time by telling us."),
        ({"track_unknown": False}, "We do this if you have allowed it, or if one of us"),
        ({"track_by_default": "off"}, "only for some of our mails"),
        ({"opt_out_link": True}, "by the link at the end of such a mail"),
    ],
)
def test_it_says_who_decides(settings: dict[str, Any], words: str) -> None:
    assert words in paragraphs(PlausibleSettings(**settings), enabled=True)[0].text


def test_a_module_that_is_off_tells_what_it_still_holds() -> None:
    [told] = paragraphs(PlausibleSettings(keep_days=0), enabled=False)
    assert told.text.startswith("We do not record whether our mails are opened")
    assert "until you ask us" in told.text


async def test_a_module_that_cannot_tell_is_named(portal: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mute:
        @hookimpl
        def module_info(self) -> ModuleInfo:
            return ModuleInfo("mute", "Mute", "Says nothing.", "🤐")

        @hookimpl
        def privacy_disclosure(self) -> list[Paragraph]:
            raise RuntimeError

    monkeypatch.setattr(portal, "plugins", PluginHost({"mute": Mute()}))
    found = await disclosure()
    assert found.silent == ("mute",)
    assert [one.title for one in found.paragraphs] == ["Messages to our support", "What you can ask for"]


async def test_who_is_no_admin_sees_none_of_it(site: Quart, person: Person, gus: User) -> None:
    client = await log_in(site, gus)
    contact = f"/contacts/{person.contact_id}"
    for path in ("/admin/privacy", "/admin/privacy/disclosure.txt", f"{contact}/erase"):
        assert (await get(client, path)).status_code == 403
    for path in (f"{contact}/erase", f"{contact}/erase/again"):
        assert (await post(client, path, {"confirm": FIRST})).status_code == 403
    assert (await contacts.contact(person.contact_id)).name == NAME


async def test_erasing_takes_the_typed_address_and_says_how_far_it_is(
    portal: Runtime, person: Person, ada_client: Client
) -> None:
    path = f"/contacts/{person.contact_id}/erase"
    page = await _text(ada_client, path)
    assert "What goes" in page
    assert "What stays" in page
    wrong = await post(ada_client, path, {"confirm": "quirina"})
    assert wrong.status_code == 422
    assert f"This is not {FIRST}" in await wrong.get_data(as_text=True)
    assert await erasure.last_of(person.contact_id) is None

    assert (await post(ada_client, path, {"confirm": f" {FIRST.upper()} "})).status_code == 303
    page = await _text(ada_client, path)
    assert "Erasure under way" in page
    assert "Erasure " in await _text(ada_client, "/admin/privacy")
    await erasure.run_due(portal)
    page = await _text(ada_client, path)
    assert "Erased" in page
    assert "4 messages" in page
    assert "4 opens and clicks" in page
    assert await found_in(portal) == {}
    audit = await _text(ada_client, "/admin/audit")
    assert f"asked to erase contact {person.contact_id}" in audit


async def test_a_part_that_failed_can_be_tried_again_from_the_page(
    portal: Runtime, person: Person, ada_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError(FIRST)

    path = f"/contacts/{person.contact_id}/erase"
    with monkeypatch.context() as patched:
        patched.setattr(erasure_steps, "mails", fails)
        await post(ada_client, path, {"confirm": FIRST})
        await erasure.run_due(portal)
    page = await _text(ada_client, path)
    assert "Not everything is erased" in page
    assert "a fault of the portal (RuntimeError)" in page
    assert FIRST not in page, "an error's words may hold what is being erased"
    assert "a fault of the portal" in await _text(ada_client, "/admin/privacy")
    assert (await post(ada_client, f"{path}/again")).status_code == 303
    await erasure.run_due(portal)
    assert await found_in(portal) == {}


async def test_the_nightly_run_is_told(portal: Runtime, ada_client: Client) -> None:
    assert "It has not run yet" in await _text(ada_client, "/admin/privacy")
    await nightly.purge(portal)
    page = await _text(ada_client, "/admin/privacy")
    assert "Plausible Analytics" in page
    assert "Nothing was due" in page


async def test_a_contact_that_is_not_there(ada_client: Client) -> None:
    for path in ("/contacts/999/erase",):
        assert "There is no contact 999" in await _text(ada_client, path, 404)
    assert (await post(ada_client, "/contacts/999/export")).status_code == 404
