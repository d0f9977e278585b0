"""GET and POST /api/suppressions, DELETE /api/suppressions/{number}."""

from __future__ import annotations

import pytest
from quart import Quart

from app.accounts import profile
from app.accounts.models import User
from app.database import Database, utcnow
from app.suppressions import service
from app.suppressions.models import New
from tests.api.conftest import Api

BOB = "bob@example.org"


@pytest.fixture
async def admins_api(app: Quart, admin: User) -> Api:
    """Calls in the name of Ada."""
    token = await profile.create_api_token(admin, name="tests")
    return Api(app.test_client(), {"Authorization": f"Bearer {token}"})


async def test_an_address_is_added_found_and_taken_off(admins_api: Api, api: Api) -> None:
    added = await admins_api.post("/suppressions", {"email": " Bob@Example.org", "detail": "asked by phone"})
    assert (added.status, added.json["email"], added.json["scope"], added.json["reason"]) == (201, BOB, "all", "manual")
    assert (added.json["added_by"], added.json["removed_at"]) == ("Ada Admin", None)
    assert (await admins_api.get("/suppressions?q=BOB&reason=manual&scope=all")).json == {
        "suppressions": [added.json], "total": 1, "next": None,
    }  # fmt: skip
    assert (await admins_api.get("/suppressions?reason=complaint")).json["suppressions"] == []

    # What is refused at composing is so here; then the way out works, for an agent who is no admin too.
    ticket_id = await api.new_ticket()
    refused = await api.post(f"/tickets/{ticket_id}/replies", {"html_body": "<p>Hi</p>"})
    assert "take it off the list" in refused.fields["to"]
    removed = await api.call("DELETE", f"/suppressions/{added.json['id']}")
    assert (removed.status, removed.json["removed_at"] is not None) == (200, True)
    assert (await api.post(f"/tickets/{ticket_id}/replies", {"html_body": "<p>Hi</p>"})).status == 201
    assert (await admins_api.get("/suppressions")).json["total"] == 0


async def test_the_pages_follow_each_other(admins_api: Api, db: Database) -> None:
    async with db.transaction() as conn:
        await service.add(conn, [New(f"a{n:02}@x.org", "hard_bounce", "ses", utcnow()) for n in range(60)])
    first = (await admins_api.get("/suppressions")).json
    second = (await admins_api.get(f"/suppressions?before={first['next']}")).json
    emails = [one["email"] for one in first["suppressions"] + second["suppressions"]]
    assert (len(emails), len(set(emails)), first["total"], second["next"]) == (60, 60, 60, None)


async def test_what_does_not_hold_is_named(admins_api: Api, api: Api) -> None:
    assert (await api.get("/suppressions")).status == 403
    assert (await api.post("/suppressions", {"email": BOB})).status == 403
    assert list((await admins_api.post("/suppressions", {"email": "nonsense"})).fields) == ["email"]
    assert list((await admins_api.post("/suppressions", {"email": BOB, "scope": "some"})).fields) == ["scope"]
    assert (await admins_api.post("/suppressions", {"email": BOB})).status == 201
    again = await admins_api.post("/suppressions", {"email": BOB})
    assert (again.status, "is on the list" in again.fields["email"]) == (422, True)
    assert list((await admins_api.get("/suppressions?reason=rain")).fields) == ["reason"]
    assert (await admins_api.call("DELETE", "/suppressions/99")).status == 404
