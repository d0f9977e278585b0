"""The pages of contacts as a browser gets them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from quart.typing import TestClientProtocol as Client

from app.contacts import service
from app.database import Database
from app.tickets import service as tickets
from tests.support.web import get, post
from tests.tickets.list_support import add_tickets


@pytest.fixture
async def bob(db: Database) -> int:
    """Bob Builder, who writes from bob@example.org."""
    async with db.transaction() as conn:
        return await service.find_or_create_contact(conn, name="Bob Builder", email="bob@example.org")


async def _text(client: Client, path: str, status: int = 200) -> str:
    response = await get(client, path)
    assert response.status_code == status
    return await response.get_data(as_text=True)


def _plain(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", page)).split())


async def test_the_list_leads_to_each_contact(agent_client: Client, bob: int) -> None:
    page = await _text(agent_client, "/contacts?q=build")
    assert f'<a href="/contacts/{bob}" dir="auto" data-row-link>Bob Builder</a>' in page
    assert "bob@example.org" in _plain(page)
    assert "Nobody found" in await _text(agent_client, "/contacts?q=carpenter")


async def test_a_portal_without_contacts_says_where_they_come_from(agent_client: Client) -> None:
    assert "Whoever writes to you" in await _text(agent_client, "/contacts")


async def test_a_contact_s_page_has_their_tickets_and_the_way_to_a_new_one(db: Database, agent_client: Client) -> None:
    ids = await add_tickets(db, [{"subject": f"Number {n}", "minute": n, "status": "closed"} for n in range(51)])
    await add_tickets(db, [{"subject": "Of Eve", "contact": "Eve"}])
    contact_id = (await tickets.ticket(ids[0])).contact_id
    page = await _text(agent_client, f"/contacts/{contact_id}")
    assert re.findall(r">(Number \d+)</a>", page) == [f"Number {n}" for n in range(50, 0, -1)]
    assert "Of Eve" not in page
    [following] = re.findall(r'rel="next" href="([^"]+)"', page)
    assert re.findall(r">(Number \d+)</a>", await _text(agent_client, unescape(following))) == ["Number 0"]
    assert "/tickets/new?contact=Bob+Builder+%3Cbob.builder%40example.org%3E" in page
    new = await _text(agent_client, "/tickets/new?contact=Bob+Builder+%3Cbob.builder%40example.org%3E")
    assert "Bob Builder &lt;bob.builder@example.org&gt;" in new


async def test_what_people_wrote_is_shown_as_text(agent_client: Client, bob: int) -> None:
    version = (await service.contact(bob)).version
    await service.save(bob, name="<i>Bob</i>", notes="<script>alert(1)</script>\nsecond line", version=version)
    page = await _text(agent_client, f"/contacts/{bob}")
    assert "<script>alert" not in page
    assert "<i>Bob</i>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\nsecond line" in page


async def test_name_and_notes_can_be_changed(agent_client: Client, bob: int) -> None:
    page = await _text(agent_client, f"/contacts/{bob}/edit")
    [version] = re.findall(r'name="version" value="(\d+)"', page)
    response = await post(
        agent_client, f"/contacts/{bob}/edit", {"name": "Roberta", "notes": "Likes tea", "version": version}
    )
    assert (response.status_code, response.location) == (303, f"/contacts/{bob}")
    page = await _text(agent_client, f"/contacts/{bob}")
    assert "Roberta" in page
    assert "Likes tea" in page
    assert "Saved." in page


async def test_a_form_with_an_error_keeps_what_was_typed(agent_client: Client, bob: int) -> None:
    version = (await service.contact(bob)).version
    response = await post(
        agent_client, f"/contacts/{bob}/edit", {"name": " ", "notes": "Likes tea", "version": version}
    )
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert "<title>Error: " in page
    assert 'aria-describedby="f-name-help f-name-error" aria-invalid="true"' in page
    assert "Likes tea" in page


async def test_saving_over_another_agent_s_change_takes_a_second_try(agent_client: Client, bob: int) -> None:
    version = (await service.contact(bob)).version
    await service.save(bob, name="Bob", notes="From Ada", version=version)
    form = {"name": "Bob", "notes": "From Gus", "version": version}
    response = await post(agent_client, f"/contacts/{bob}/edit", form)
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert "Somebody else changed this contact" in page
    assert "From Gus" in page
    [fresh] = re.findall(r'name="version" value="(\d+)"', page)
    assert (await post(agent_client, f"/contacts/{bob}/edit", {**form, "version": fresh})).status_code == 303
    assert (await service.contact(bob)).notes == "From Gus"


async def test_addresses_can_be_added_made_first_and_removed(agent_client: Client, bob: int) -> None:
    for action, email in (("", "bob@work.example"), ("/primary", "bob@work.example"), ("/remove", "bob@example.org")):
        response = await post(agent_client, f"/contacts/{bob}/addresses{action}", {"email": email})
        assert (response.status_code, response.location) == (303, f"/contacts/{bob}")
    assert (await service.contact(bob)).addresses == ("bob@work.example",)


async def test_an_address_that_somebody_has_is_refused_with_the_way_to_them(
    db: Database, agent_client: Client, bob: int
) -> None:
    async with db.transaction() as conn:
        eve = await service.find_or_create_contact(conn, name="Eve", email="eve@example.org")
    response = await post(agent_client, f"/contacts/{bob}/addresses", {"email": "eve@example.org"})
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert "eve@example.org belongs to Eve" in _plain(page)
    assert f'href="/contacts/{eve}"' in page
    assert 'value="eve@example.org"' in page
    response = await post(agent_client, f"/contacts/{bob}/addresses/remove", {"email": "bob@example.org"})
    assert response.status_code == 422
    assert "Make another one the first" in await response.get_data(as_text=True)


@pytest.mark.parametrize(
    "path", ["/contacts/77", "/contacts/77/edit", "/contacts/99999999999999999999", "/contacts/1/addresses/steal"]
)
async def test_what_is_not_there_is_a_404(agent_client: Client, path: str) -> None:
    await _text(agent_client, path, 404)


async def test_a_wrong_place_in_a_contact_s_tickets_is_refused(agent_client: Client, bob: int) -> None:
    assert "is no place in this list" in await _text(agent_client, f"/contacts/{bob}?after=x", 400)


async def test_a_form_without_the_page_s_token_changes_nothing(agent_client: Client, bob: int) -> None:
    for path in ("edit", "addresses", "addresses/primary", "addresses/remove"):
        response = await agent_client.post(
            f"/contacts/{bob}/{path}", form={"name": "x", "email": "x@example.org"}, headers={"Host": "portal.test"}
        )
        assert response.status_code == 403
    assert (await service.contact(bob)).name == "Bob Builder"


async def test_a_stranger_sees_no_contact(client: Client, bob: int) -> None:
    for path in ("/contacts", f"/contacts/{bob}", f"/contacts/{bob}/edit"):
        response = await get(client, path)
        assert response.status_code == 303
        assert response.location.startswith("/login")


async def test_what_they_decided_about_tracking_is_noted_with_its_source(agent_client: Client, bob: int) -> None:
    page = _plain(await _text(agent_client, f"/contacts/{bob}"))
    assert "Not decided. Replies are tracked as department and module are set." in page
    response = await post(agent_client, f"/contacts/{bob}/tracking", {"decision": "refused"})
    assert (response.status_code, response.location) == (303, f"/contacts/{bob}#tracking")
    page = _plain(await _text(agent_client, f"/contacts/{bob}"))
    assert re.search(r"Off for this contact\. Refused on \d+ \w{3} \d{4} as Gus Agent noted\. No setting", page)
    await post(agent_client, f"/contacts/{bob}/tracking", {"decision": "allowed"})
    page = _plain(await _text(agent_client, f"/contacts/{bob}"))
    assert re.search(r"On for this contact\. Allowed on .* All decisions ?Allowed on .*\.Refused on ", page)
    response = await post(agent_client, f"/contacts/{bob}/tracking", {"decision": "maybe"})
    assert response.status_code == 422
    assert "tracking must be one of unknown, allowed, refused, got 'maybe'" in _plain(await response.get_data(True))
    assert (await service.contact(bob)).tracking == "allowed"


async def test_a_decision_needs_the_page_s_token_and_a_contact(agent_client: Client, bob: int) -> None:
    response = await agent_client.post(
        f"/contacts/{bob}/tracking", form={"decision": "refused"}, headers={"Host": "portal.test"}
    )
    assert response.status_code == 403
    assert (await service.contact(bob)).tracking == "unknown"
    assert (await post(agent_client, "/contacts/77/tracking", {"decision": "refused"})).status_code == 404
