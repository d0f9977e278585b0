"""Who may call the API, and what a wrong call is told."""

from __future__ import annotations

import json

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import admin as administration
from app.accounts.models import User
from tests.api.conftest import Api
from tests.support.web import HOST, post

ENDPOINTS = [
    ("GET", "/tickets"),
    ("POST", "/tickets"),
    ("GET", "/tickets/1"),
    ("POST", "/tickets/1/replies"),
    ("GET", "/tickets/1/replies/1/tracking"),
]
NEW = {"subject": "Printer", "requester": "bob@example.org", "text_body": "Help!"}


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer mp_unknown", "Basic Z3VzOmd1cw==", "Bearer \u00e9"])
async def test_nobody_calls_without_a_good_token(client: Client, method: str, path: str, authorization: str) -> None:
    answer = await Api(client, {"Authorization": authorization}).call(method, path)
    assert answer.status == 401
    assert answer.json["error"]["code"] == 401
    assert "token" in answer.json["error"]["message"].lower()


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
async def test_the_token_of_a_disabled_user_is_void(api: Api, agent: User, admin: User, method: str, path: str) -> None:
    await administration.disable(by=admin, user_id=agent.id)
    assert (await api.call(method, path)).status == 401


async def test_a_session_may_call_too_and_changes_take_its_token(agent_client: Client, app: Quart) -> None:
    headers = {"Host": HOST, "Content-Type": "application/json"}
    assert (await agent_client.get("/api/tickets", headers=headers)).status_code == 200
    refused = await agent_client.post("/api/tickets", data=json.dumps(NEW), headers=headers)
    assert refused.status_code == 403
    csrf = agent_client.csrf_token  # type: ignore[attr-defined]
    taken = await agent_client.post("/api/tickets", data=json.dumps(NEW), headers={**headers, "X-CSRF-Token": csrf})
    assert taken.status_code == 201


async def test_another_host_is_refused(api: Api) -> None:
    answer = await api.get("/tickets", headers={"Host": "evil.example"})
    assert answer.status == 400
    assert "http://portal.test" in answer.json["error"]["message"]


async def test_a_page_that_is_not_there_is_said_in_json(api: Api) -> None:
    assert (await api.get("/nothing")).status == 404
    assert (await api.get("/tickets/0")).status == 404
    assert (await api.get("/tickets/99999999999999999999")).status == 404
    assert (await api.call("DELETE", "/tickets")).status == 405


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        ("{", "application/json", "The body is not JSON"),
        ("", "application/json", "The body is not JSON"),
        ('{"subject": "\\ud800"}', "application/json", "The body is not JSON"),
        ("[" * 100_000, "application/json", "The body is not JSON"),
        ("\xff\xfe", "application/json", "The body is not JSON"),
        ("subject=x", "application/x-www-form-urlencoded", "send it with Content-Type: application/json"),
        ("{}", "text/plain", "send it with Content-Type: application/json, not 'text/plain'"),
    ],
)
async def test_a_body_that_is_not_json_is_a_400(api: Api, body: str, content_type: str, words: str) -> None:
    answer = await api.post("/tickets", data=body.encode("latin-1"), headers={"Content-Type": content_type})
    assert answer.status == 400
    assert words in answer.json["error"]["message"]


@pytest.mark.parametrize("body", ["[]", '"text"', "1", "null", "true"])
async def test_json_that_is_no_object_is_a_422(api: Api, body: str) -> None:
    answer = await api.post("/tickets", data=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert answer.status == 422
    assert "must be a JSON object with subject, requester" in answer.json["error"]["message"]


async def test_a_body_past_all_limits_is_a_413(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await api.post("/tickets", data=b" " * 33_000_000, headers=headers)
    assert answer.status == 413


async def test_creating_a_token_in_the_browser_is_enough_to_call(agent_client: Client, app: Quart) -> None:
    page = await (await post(agent_client, "/profile/tokens", {"token_name": "x"})).get_data(as_text=True)
    token = page.partition('value="mp_')[2].partition('"')[0]
    answer = await Api(app.test_client(), {"Authorization": f"bearer mp_{token}"}).get("/tickets")
    assert (answer.status, answer.json) == (200, {"tickets": [], "next": None})
