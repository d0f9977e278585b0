"""A program that calls the API with a token of Gus."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client
from werkzeug.datastructures import Headers

from app.accounts import profile
from app.accounts.models import User
from app.settings import Settings
from tests.support.serving import served
from tests.support.web import HOST


@dataclass(frozen=True)
class Answer:
    """Status, decoded JSON and headers of an answer."""

    status: int
    json: Any
    headers: Headers

    @property
    def fields(self) -> dict[str, str]:
        """What a refusal says of each field."""
        assert set(self.json) == {"error"}
        assert self.json["error"]["code"] == self.status
        assert self.json["error"]["message"]
        return dict(self.json["error"].get("fields", {}))


@dataclass(frozen=True)
class Api:
    """Calls below /api, with a token unless `headers` say otherwise."""

    client: Client
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        """Send one request; options as of Quart's test client."""
        headers = {"Host": HOST, **self.headers, **options.pop("headers", {})}
        response = await self.client.open(f"/api{path}", method=method, headers=headers, **options)
        assert response.mimetype == "application/json"
        return Answer(response.status_code, json.loads(await response.get_data()), response.headers)

    async def get(self, path: str, **options: Any) -> Answer:
        """GET."""
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """POST of a JSON body."""
        return await self.call("POST", path, **({"json": body} if body is not None else {}), **options)

    async def new_ticket(self, **more: Any) -> int:
        """A ticket of Bob's."""
        body = {"subject": "The printer is on fire", "requester": "Bob <bob@example.org>", "text_body": "Help!"}
        answer = await self.post("/tickets", {**body, **more})
        assert answer.status == 201
        return int(answer.json["id"])

    async def new_reply(self, ticket_id: int, **more: Any) -> dict[str, Any]:
        """A reply to a ticket."""
        answer = await self.post(f"/tickets/{ticket_id}/replies", {"html_body": "<p>Use water.</p>", **more})
        assert answer.status == 201
        return dict(answer.json)


@pytest.fixture
async def api(app: Quart, agent: User) -> Api:
    """Calls in the name of Gus."""
    token = await profile.create_api_token(agent, name="tests")
    return Api(app.test_client(), {"Authorization": f"Bearer {token}"})


async def call_as_described(api: Api, settings: Settings, folder: Path, *, paths: str, examples: int) -> None:
    """Make calls from the description, hostile and odd ones too; none may break the portal, or its description.

    folder: with a schemathesis.toml that names things that exist. paths: a pattern. examples: per operation.
    """
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    async with served(settings) as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/openapi.json",
            "--header", f"Authorization: {api.headers['Authorization']}",
            "--phases", "examples,coverage,fuzzing", "--max-examples", str(examples), "--seed", "2026", "--no-shrink",
            "--checks", checks, "--include-path-regex", paths, "--no-color",
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
