"""The API's description, and what the API does when calls made from it are hostile."""

from __future__ import annotations

from pathlib import Path

from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import profile
from app.accounts.models import User
from app.runtime import current
from app.services import modules
from app.settings import Settings
from tests.api.conftest import Api, call_as_described
from tests.support.serving import ROOT


async def test_the_description_names_every_endpoint_and_needs_no_login(client: Client) -> None:
    answer = await Api(client).get("/openapi.json")
    assert answer.status == 200
    assert answer.json["openapi"].startswith("3.1")
    operations = {
        (method.upper(), path): operation
        for path, methods in answer.json["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) >= {
        ("GET", "/api/tickets"),
        ("POST", "/api/tickets"),
        ("GET", "/api/tickets/{ticket_id}"),
        ("POST", "/api/tickets/{ticket_id}/replies"),
        ("GET", "/api/tickets/{ticket_id}/replies/{reply_id}/tracking"),
        ("PATCH", "/api/tickets/{ticket_id}/replies/{reply_id}/recipients/{recipient_id}/verdict"),
    }
    assert all(path.startswith("/api/") for _, path in operations)
    for operation in operations.values():
        assert operation["summary"]
        assert {"401", "422"} <= set(operation["responses"])
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)
    assert answer.json["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
    assert answer.json["servers"] == [{"url": "http://portal.test"}]


async def test_every_schema_that_is_referred_to_is_there(client: Client) -> None:
    document = (await Api(client).get("/openapi.json")).json
    text = str(document)
    for name in {part.partition("'")[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]


async def test_what_a_request_may_hold_is_closed(client: Client) -> None:
    schemas = (await Api(client).get("/openapi.json")).json["components"]["schemas"]
    for name, schema in schemas.items():
        if name.startswith("New"):
            assert schema["additionalProperties"] is False


async def test_a_session_cookie_is_named_as_it_is(app: Quart) -> None:
    document = (await Api(app.test_client()).get("/openapi.json")).json
    assert document["components"]["securitySchemes"]["session"] == {
        "type": "apiKey",
        "name": "myportal",
        "in": "cookie",
    }


async def test_no_call_made_from_the_description_breaks_the_portal(
    api: Api, settings: Settings, agent: User, tmp_path: Path
) -> None:
    """Hostile and odd bodies, queries and paths; a ticket and reply that exist, so that they reach the services."""
    ticket_id = await api.new_ticket()
    reply_id = (await api.new_reply(ticket_id))["id"]
    (tmp_path / "schemathesis.toml").write_text(
        f'[parameters]\n"path.ticket_id" = {ticket_id}\n"path.reply_id" = {reply_id}\n'
    )
    await call_as_described(api, settings, tmp_path, paths="^/api/tickets", examples=15)
    async with current().database.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM ticket_replies") > 2, "no call reached the services"


async def test_no_call_for_the_rest_of_the_house_breaks_the_portal(
    app: Quart, settings: Settings, admin: User, tmp_path: Path
) -> None:
    """All but testing a mailbox, which calls a server that somebody names; nothing works here that would send mails."""
    await modules.set_enabled("announcements", enabled=True, user=None)
    api = Api(app.test_client(), {"Authorization": f"Bearer {await profile.create_api_token(admin, name='tests')}"})
    canned = await api.post("/canned-replies", {"title": "Hello", "html_body": "<p>Hello</p>", "shared": True})
    (tmp_path / "schemathesis.toml").write_text(
        f'[parameters]\n"path.canned_id" = {canned.json["id"]}\n"query.ticket_id" = {await api.new_ticket()}\n'
    )
    paths = (
        r"^/api/(announcements|assignment-rules|attachments|canned-replies|contacts$|dashboard|departments|"
        r"events|inbound|mailboxes(/\{mailbox_id\})?$|reports|suppressions|users|views)"
    )
    await call_as_described(api, settings, tmp_path, paths=paths, examples=5)
    async with current().database.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM announcements") > 0, "no call reached the services"


async def test_every_endpoint_and_status_is_in_the_guide(client: Client) -> None:
    guide = (ROOT / "docs" / "api.md").read_text()
    for path, methods in (await Api(client).get("/openapi.json")).json["paths"].items():
        for method, operation in methods.items():
            assert f"`{method.upper()} {path}`" in guide
            for status in operation["responses"]:
                assert f"| {status} |" in guide or status in {"200", "201", "202"}
