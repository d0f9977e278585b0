"""What is done to tickets beyond reading and answering them, and what that needs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from quart import Quart

from app.accounts import profile
from app.accounts.models import User
from app.runtime import current
from tests.api.conftest import Api
from tests.inbound.conftest import Inbox
from tests.support.web import HOST


@pytest.fixture
async def admin_api(app: Quart, admin: User) -> Api:
    """Calls in the name of an admin."""
    return Api(app.test_client(), {"Authorization": f"Bearer {await profile.create_api_token(admin, name='tests')}"})


async def raw(api: Api, method: str, path: str, **options: object) -> tuple[int, str, bytes]:
    """A call whose answer is a file."""
    headers = {"Host": HOST, **api.headers, **options.pop("headers", {})}  # type: ignore[dict-item]
    response = await api.client.open(f"/api{path}", method=method, headers=headers, **options)  # type: ignore[arg-type]
    return response.status_code, response.headers.get("Content-Disposition", ""), await response.get_data(as_text=False)


async def test_history_tells_what_was_changed(api: Api) -> None:
    ticket_id = await api.new_ticket()
    await api.call("PATCH", f"/tickets/{ticket_id}", json={"priority": "high"})
    changes = (await api.get(f"/tickets/{ticket_id}/history")).json["changes"]
    assert [(one["field"], one["old"], one["new"], one["by"]) for one in changes] == [
        ("priority", "normal", "high", "Gus Agent")
    ]
    assert (await api.get("/tickets/999999/history")).status == 404


async def test_followers_come_and_go(api: Api) -> None:
    ticket_id = await api.new_ticket()
    added = await api.post(f"/tickets/{ticket_id}/followers", {"address": "Eve <eve@example.org>"})
    assert (added.status, added.json["followers"]) == (201, [{"email": "eve@example.org", "name": "Eve"}])
    for address in ("nobody", "bob@example.org", "gus@portal.test"):
        refused = await api.post(f"/tickets/{ticket_id}/followers", {"address": address})
        assert (refused.status, set(refused.fields)) == (422, {"address"}), address
    removed = await api.call("DELETE", f"/tickets/{ticket_id}/followers/eve@example.org")
    assert removed.json["followers"] == []
    assert (await api.call("DELETE", f"/tickets/{ticket_id}/followers/eve@example.org")).status == 404
    assert (await api.post("/tickets/999999/followers", {"address": "eve@example.org"})).status == 404


async def test_a_ticket_is_merged_into_another(api: Api) -> None:
    first, second = await api.new_ticket(), await api.new_ticket(subject="Another")
    assert (await api.post(f"/tickets/{first}/merge", {"into": first})).fields.keys() == {"into"}
    merged = await api.post(f"/tickets/{first}/merge", {"into": second})
    assert (merged.status, merged.json["id"]) == (200, second)
    assert len((await api.get(f"/tickets/{second}")).json["conversation"]) == 2
    assert (await api.post("/tickets/999999/merge", {"into": second})).status == 404


async def test_many_are_changed_at_once_and_changed_back(api: Api, agent: User) -> None:
    ids = [await api.new_ticket() for _ in range(3)]
    done = await api.post(
        "/tickets/bulk",
        {"tickets": [*ids, 999999], "assignee": "me", "add_tags": ["vip"], "due_at": "2027-01-01T09:00:00Z"},
    )
    assert (done.status, done.json["changed"], list(done.json["refused"])) == (200, 3, ["999999"])
    one = (await api.get(f"/tickets/{ids[0]}")).json
    assert (one["assignee"]["id"], one["tags"], one["due_at"]) == (agent.id, ["vip"], "2027-01-01T09:00:00Z")
    back = await api.post(f"/tickets/bulk/{done.json['undo']}/undo")
    assert (back.status, back.json["changed"]) == (200, 3)
    assert (await api.get(f"/tickets/{ids[0]}")).json["assignee"] is None
    assert (await api.post(f"/tickets/bulk/{done.json['undo']}/undo")).status == 422
    assert (await api.post("/tickets/bulk", {"tickets": ids})).status == 422
    assert (await api.post("/tickets/bulk", {"tickets": ids, "assignee": "you"})).fields.keys() == {"assignee"}


async def test_the_list_is_a_file(api: Api) -> None:
    await api.new_ticket(subject="=HYPERLINK()")
    await api.new_ticket(subject="Other", tags=["vip"])
    status, disposition, content = await raw(api, "GET", "/tickets/export?tag=vip")
    lines = content.decode("utf-8-sig").splitlines()
    assert (status, len(lines), "Other" in lines[1]) == (200, 2, True)
    assert "tickets.csv" in disposition
    _, _, content = await raw(api, "GET", "/tickets/export")
    assert "'=HYPERLINK()" in content.decode("utf-8-sig")


async def test_a_file_goes_with_a_reply(api: Api) -> None:
    ticket_id = await api.new_ticket()
    headers = {"Content-Type": "application/pdf"}
    status, _, content = await raw(api, "POST", "/attachments?filename=plan.pdf", data=b"%PDF", headers=headers)
    file = json.loads(content)
    assert (status, file["filename"], file["size"]) == (201, "plan.pdf", 4)
    other = await api.post("/attachments?filename=empty.txt")
    assert (other.status, set(other.fields)) == (422, {"body"})
    await api.new_reply(ticket_id, attachments=[file["id"]], status="pending")
    found = (await api.get(f"/tickets/{ticket_id}")).json
    assert found["conversation"][-1]["attachments"][0]["id"] == file["id"]
    assert found["status"] == "pending"
    assert (await raw(api, "GET", f"/attachments/{file['id']}"))[1:] == ('attachment; filename="plan.pdf"', b"%PDF")
    again = await api.post(f"/tickets/{ticket_id}/replies", {"html_body": "x", "attachments": [file["id"]]})
    assert (again.status, set(again.fields)) == (422, {"attachments"})
    assert (await api.get("/attachments/999999")).status == 404


async def test_saved_replies_are_kept_by_their_owner(api: Api, admin_api: Api) -> None:
    ticket_id = await api.new_ticket()
    body = {"title": "Hello", "html_body": "<p>Hello {{contact.first_name}}</p>"}
    made = await api.post("/canned-replies", body)
    path = f"/canned-replies/{made.json['id']}"
    assert (made.status, made.json["owner"], made.json["shared"]) == (201, "Gus Agent", False)
    assert (await admin_api.get("/canned-replies")).json == {"canned_replies": []}
    assert (await admin_api.call("DELETE", path)).status == 404
    assert (await api.get(f"{path}/text?ticket_id={ticket_id}")).json == {"html_body": "<p>Hello Bob</p>"}
    wrong = await api.call("PUT", path, json={**body, "html_body": "<p>{{nothing}}</p>"})
    assert (wrong.status, set(wrong.fields)) == (422, {"html_body"})
    assert (await api.call("PUT", path, json={**body, "shared": True})).json["shared"] is True
    assert len((await admin_api.get("/canned-replies")).json["canned_replies"]) == 1
    assert (await api.call("DELETE", path)).json == {"title": "Hello"}
    assert (await api.get(f"{path}/text?ticket_id={ticket_id}")).status == 404


async def test_mailboxes_are_for_admins_and_never_tell_a_password(api: Api, admin_api: Api) -> None:
    body = {
        "address": "help@portal.test", "fetches": True, "host": "127.0.0.1", "username": "bob", "password": "canary-key"
    }  # fmt: skip
    assert (await api.post("/mailboxes", body)).status == 403
    made = await admin_api.post("/mailboxes", body)
    path = f"/mailboxes/{made.json['id']}"
    assert (made.status, made.json["has_password"]) == (201, True)
    tested = await admin_api.post(f"{path}/test")
    assert (tested.status, tested.json["works"]) == (200, False)
    assert "OUTBOUND_ALLOWED" in tested.json["message"]
    changed = await admin_api.call("PUT", path, json={"address": "support@portal.test"})
    assert (changed.status, changed.json["address"]) == (200, "support@portal.test")
    wrong = await admin_api.call("PUT", path, json={"address": "nonsense"})
    assert (wrong.status, set(wrong.fields)) == (422, {"address"})
    everything = json.dumps([made.json, tested.json, (await admin_api.get("/mailboxes")).json])
    assert "canary-key" not in everything
    assert (await admin_api.call("DELETE", path)).json == {"address": "support@portal.test"}
    assert (await admin_api.call("PUT", path, json=body)).status == 404


async def test_quarantined_mail_is_read_again(admin_api: Api, api: Api) -> None:
    row = await Inbox(current()).take(b"From: a@x.example, b@x.example\r\nSubject: Who\r\n\r\nwho?")
    assert (await api.get("/inbound")).status == 403
    mails = (await admin_api.get("/inbound")).json["mails"]
    assert [(one["id"], one["subject"], one["state"]) for one in mails] == [(row["id"], "Who", "quarantined")]
    assert (await raw(admin_api, "GET", f"/inbound/{row['id']}/original"))[2].endswith(b"who?")
    assert (await admin_api.post(f"/inbound/{row['id']}/retry")).json["state"] == "new"
    assert (await admin_api.post(f"/inbound/{row['id']}/retry")).status == 422
    assert (await admin_api.get("/inbound/999999")).status == 404


async def test_people_to_choose_from(api: Api, admin: User) -> None:
    users = (await api.get("/users")).json["users"]
    assert {(one["name"], one["role"]) for one in users} == {("Gus Agent", "agent"), (admin.name, "admin")}
    assert (await api.get("/departments")).json == {"departments": []}
    await api.new_ticket()
    found = (await api.get("/contacts?q=bo&limit=1")).json
    assert [one["email"] for one in found["contacts"]] == ["bob@example.org"]
    assert found["next"] is None
    assert (await replace(api, headers={}).get("/users")).status == 401
