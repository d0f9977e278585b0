"""Pages and the API: drafts, previews, test mails, permissions, and what is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import profile
from app.accounts.models import User
from app.runtime import Runtime
from app.services import modules
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from tests.access.conftest import make_user
from tests.announcements.builders import BODY, deliver, draft, handed_over, mail_to, part, people, sent
from tests.api.conftest import Api
from tests.support.scripted_smtp import ScriptedSmtp
from tests.support.web import get, log_in, post

FORM = {"subject": "Outage", "body_html": BODY, "audience": "all", "tracked": "1"}


async def _text(client: Client, path: str, code: int = 200) -> str:
    answer = await get(client, path)
    assert answer.status_code == code, await answer.get_data(as_text=True)
    return await answer.get_data(as_text=True)


async def test_from_the_empty_list_to_a_mail_that_is_sent(
    runtime: Runtime, handles: Handles, ada: User, ada_client: Client, smtp: ScriptedSmtp
) -> None:
    await people(runtime, "Bob <bob@x.org>", "carol@x.org")
    assert "No announcements yet" in await _text(ada_client, "/announcements")
    made = await post(ada_client, "/announcements/new", FORM)
    path = made.headers["Location"]
    page = await _text(ada_client, path)
    assert "2 recipients." in page
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    saved = await post(
        ada_client, path, {**FORM, "subject": "Planned", "version": version[1]}, headers={"Accept": "application/json"}
    )
    assert json.loads(await saved.get_data())["version"] > version[1]
    stale = await post(ada_client, path, {**FORM, "version": version[1]})
    assert stale.status_code == 422
    assert "Somebody else changed this draft" in await stale.get_data(as_text=True)

    preview = await _text(ada_client, f"{path}/preview?contact=bob@x.org")
    assert "Hello Bob," in preview
    assert "Hello there," in await _text(ada_client, f"{path}/preview?contact=Carol@x.org")
    assert "is no contact" in await _text(ada_client, f"{path}/preview?contact=zoe@x.org", 422)
    assert (await post(ada_client, f"{path}/test", {"contact": "bob@x.org"})).status_code == 303
    trial = mail_to(smtp.accepted, "ada@portal.test")
    assert trial["Subject"] == "[Test] Planned"
    assert "Hello Bob," in part(trial, "html")
    assert "email-tracking" not in part(trial, "html")

    assert "Send to 2 people" in await _text(ada_client, f"{path}/send")
    empty = (await post(ada_client, "/announcements/new", {"subject": "", "then": "save"})).headers["Location"]
    assert f'href="{empty}#f-subject"' in await _text(ada_client, f"{empty}/send"), "the field is on the draft's page"
    late = await post(ada_client, f"{path}/send", {"when": "later", "send_at": "2020-01-01T10:00"})
    assert "not in the future" in await late.get_data(as_text=True)
    assert (await post(ada_client, f"{path}/send", {"when": "now"})).status_code == 303
    assert (await post(ada_client, f"{path}/pause")).status_code == 303
    assert "Resume" in await _text(ada_client, f"{path}/progress")
    assert (await post(ada_client, f"{path}/resume")).status_code == 303
    number = int(path.rpartition("/")[2])
    await handed_over(handles, number)
    await deliver(runtime, smtp, 3)
    line = await get(ada_client, f"{path}/progress", headers={"Accept": "application/json"})
    now = json.loads(await line.get_data())
    assert "2 of 2 sent" in now["html"]
    assert not now["moving"]
    assert (await post(ada_client, path, FORM)).status_code == 409, "no draft any more"
    assert "Planned" in await _text(ada_client, "/announcements?q=plan&state=sent")
    assert "None of them fits" in await _text(ada_client, "/announcements?q=other")
    copy = await post(ada_client, f"{path}/duplicate")
    assert (await announcement(handles, int(copy.headers["Location"].rpartition("/")[2]))).subject == "Planned"


async def test_agents_write_and_test_and_only_who_may_sends(
    runtime: Runtime, handles: Handles, ada: User, gus: User, gus_client: Client
) -> None:
    await people(runtime, "bob@x.org")
    number = await draft(handles, gus)
    others = await draft(handles, ada)
    path = f"/announcements/{number}"
    assert "Send…" not in await _text(gus_client, path)
    assert (await post(gus_client, f"{path}/test")).status_code == 303
    for step in ("send", "pause", "stop"):
        assert (await post(gus_client, f"{path}/{step}")).status_code == 403
    assert (await post(gus_client, f"/announcements/{others}/delete")).status_code == 403
    assert (await post(gus_client, f"{path}/delete")).status_code == 303
    await modules.save("announcements", {"who_sends": "everybody"}, user=None)
    await runtime.modules.refresh()
    assert (await post(gus_client, f"/announcements/{others}/send")).status_code == 303


async def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(ada_client: Client) -> None:
    answer = await post(ada_client, "/announcements/new", {**FORM, "subject": "Hi {{contact.nam}}", "per_minute": "x"})
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="f-subject-error"' in page
    assert "did you mean {{contact.name}}?" in page
    assert 'id="f-per_minute-error"' in page
    assert 'value="Hi {{contact.nam}}"' in page


@pytest.mark.parametrize(
    "path", ["/announcements", "/announcements/1", "/campaigns/1/statistics/", "/api/announcements"]
)
async def test_nothing_is_there_while_the_module_is_off(runtime: Runtime, ada_client: Client, path: str) -> None:
    await modules.set_enabled("announcements", enabled=False, user=None)
    await runtime.modules.refresh()
    await _text(ada_client, path, 404)


async def test_the_address_without_a_number_leads_to_the_list(ada_client: Client) -> None:
    for path in ("/campaigns", "/campaigns/"):
        answer = await get(ada_client, path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/announcements")


async def test_pages_need_a_login(world: Client) -> None:
    for path in ("/announcements", "/announcements/1/preview", "/campaigns/1/statistics/"):
        assert (await get(world, path)).status_code == 303
    assert (await get(world, "/api/announcements")).status_code == 401


async def _api(portal: Quart, user: User) -> Api:
    token = await profile.create_api_token(user, name="tests")
    return Api(portal.test_client(), {"Authorization": f"Bearer {token}"})


async def test_the_api_writes_sends_steers_and_counts(
    portal: Quart, runtime: Runtime, handles: Handles, ada: User, gus: User
) -> None:
    await people(runtime, "bob@x.org", "carol@y.org")
    api, agents = await _api(portal, ada), await _api(portal, gus)
    made = await agents.post("/announcements", {"subject": "Outage", "html_body": BODY})
    assert made.status == 201
    path = f"/announcements/{made.json['id']}"
    body: dict[str, Any] = {"audience": {"kind": "domain", "value": "x.org"}, "mails_per_minute": 50}
    assert (await agents.call("PATCH", path, json=body)).json["audience"] == {"kind": "domain", "value": "x.org"}
    assert (await agents.post(f"{path}/send", {})).status == 403
    refused = await api.post(f"{path}/send", {"at": "2026-12-24T09:30"})
    assert "offset" in refused.fields["at"]
    assert "mails_per_minute" in (await api.post("/announcements", {"mails_per_minute": -1})).fields
    assert "html_body" in (await api.post("/announcements", {"html_body": "{{nobody}}"})).fields
    assert (await api.post(f"{path}/pause")).status == 409
    assert (await api.post(f"{path}/send", {})).json["state"] == "sending"
    assert (await api.post(f"{path}/pause")).json["state"] == "paused"
    assert (await api.post(f"{path}/resume")).json["progress"]["total"] == 0
    await handed_over(handles, made.json["id"])
    found = (await api.get(f"{path}/statistics?refresh=true")).json
    assert (found["total_recipients"], found["sent_count"], found["open_rate"]) == (1, 0, 0.0)
    assert (await api.post(f"{path}/stop")).json["state"] == "stopped"
    listed = (await agents.get("/announcements?state=stopped&q=outage")).json
    assert [one["subject"] for one in listed["announcements"]] == ["Outage"]
    assert (await api.get("/announcements/999")).status == 404
    assert (await api.get("/announcements?state=gone")).status == 422
    names = (await api.get("/openapi.json")).json["paths"]
    assert {"/api/announcements", "/api/announcements/{announcement_id}/statistics"} <= set(names)


async def test_one_that_is_sent_is_deleted_with_its_statistics_and_the_mails_stay(
    runtime: Runtime, handles: Handles, ada: User, ada_client: Client, smtp: ScriptedSmtp
) -> None:
    await people(runtime, "bob@x.org")
    known = await sent(handles, ada)
    early = await post(ada_client, f"/announcements/{known.id}/delete")
    assert early.status_code == 409
    assert "1 of its mails still wait in the outbox" in await early.get_data(as_text=True)
    await deliver(runtime, smtp, 1)
    assert (await post(ada_client, f"/announcements/{known.id}/delete")).status_code == 303
    await _text(ada_client, f"/campaigns/{known.id}/statistics/", 404)
    async with runtime.database.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM email_recipients") == 1


async def test_who_works_for_some_departments_only_does_not_get_in(portal: Quart, runtime: Runtime, ada: User) -> None:
    number = await draft(runtime.plugins.plugins["announcements"].handles(), ada)  # type: ignore[attr-defined]
    async with runtime.database.transaction() as conn:
        await conn.execute("INSERT INTO departments (name, created_at, updated_at) VALUES ('Support', NOW(6), NOW(6))")
    lim = await make_user("lim@portal.test", "Lim", "Support")
    client = await log_in(portal, lim)
    for path in ("/announcements", f"/announcements/{number}", f"/campaigns/{number}/statistics/recipients.csv"):
        assert "all departments" in await _text(client, path, 403)
    assert 'href="/announcements"' not in await _text(client, "/tickets")
    assert 'href="/announcements"' in await _text(await log_in(portal, ada), "/tickets")
    assert (await (await _api(portal, lim)).get("/announcements")).status == 403
