"""Admin → Mailboxes and Inbound mail, and what the ticket page says of a mail."""

from __future__ import annotations

from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.inbound import processing
from app.tickets import service
from tests.inbound.conftest import Inbox, mail
from tests.support.web import get, post

BAD = b"From: <bob@example.org>eve@example.net\r\nSubject: <script>alert(1)</script>\r\n\r\n<b>raw</b>"


async def test_quarantine_shows_the_reason_and_the_source_and_lets_go(inbox: Inbox, admin_client: Client) -> None:
    row = await inbox.take(BAD)
    page = await (await get(admin_client, "/admin/inbound")).get_data(as_text=True)
    assert "does not name one address" in page
    assert "<script>alert(1)" not in page
    page = await (await get(admin_client, f"/admin/inbound/{row['id']}")).get_data(as_text=True)
    assert "&lt;b&gt;raw&lt;/b&gt;" in page
    file = await get(admin_client, f"/admin/inbound/{row['id']}/original.eml")
    assert (await file.get_data(as_text=False), file.content_type) == (BAD, "application/octet-stream")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert (await post(admin_client, f"/admin/inbound/{row['id']}/retry")).status_code == 303
    assert (await inbox.row(row["id"]))["state"] == "new"
    await processing.run_due(inbox.runtime)
    assert (await inbox.row(row["id"]))["state"] == "quarantined"


async def test_a_mail_that_was_held_for_a_storm_goes_on(inbox: Inbox, admin_client: Client) -> None:
    inbox.runtime.settings = inbox.runtime.settings.model_copy(update={"inbound_per_sender_hour": 1})
    await inbox.take(mail("one"))
    row = await inbox.take(mail("two"))
    assert row["state"] == "quarantined"
    await post(admin_client, f"/admin/inbound/{row['id']}/retry")
    await processing.run_due(inbox.runtime)
    assert (await inbox.row(row["id"]))["state"] == "processed"
    await post(admin_client, f"/admin/inbound/{row['id']}/retry")
    await processing.run_due(inbox.runtime)
    assert await inbox.count("tickets") == 2
    assert "not in quarantine any more" in await (await get(admin_client, "/admin")).get_data(as_text=True)


async def test_pages_of_the_list_follow_each_other(inbox: Inbox, admin_client: Client) -> None:
    inbox.runtime.settings = inbox.runtime.settings.model_copy(update={"inbound_per_sender_hour": 1000})
    for number in range(52):
        await inbox.take(b"Subject: bad %d\r\n\r\nx" % number)
    newest = await (await get(admin_client, "/admin/inbound")).get_data(as_text=True)
    assert "bad 51<" in newest
    assert "bad 1<" not in newest
    older = newest.split("before=")[1].split('"')[0]
    page = await (await get(admin_client, f"/admin/inbound?before={older}")).get_data(as_text=True)
    assert "bad 1<" in page
    newer = page.split("after=")[1].split('"')[0]
    assert "bad 51<" in await (await get(admin_client, f"/admin/inbound?after={newer}")).get_data(as_text=True)


async def test_agents_see_the_original_of_a_message_and_only_that(
    inbox: Inbox, agent_client: Client, agent: User
) -> None:
    row = await inbox.take(mail("Words <b>", headers={"X-Mark": "as it came"}))
    ticket, message = row["ticket_id"], row["reply_id"]
    page = await (await get(agent_client, f"/tickets/{ticket}/messages/{message}/original")).get_data(as_text=True)
    assert "X-Mark: as it came" in page
    assert "Words &lt;b&gt;" in page
    other = (await inbox.take(mail("x", sender="ann@example.org")))["ticket_id"]
    assert (await get(agent_client, f"/tickets/{other}/messages/{message}/original")).status_code == 404
    assert (await get(agent_client, f"/admin/inbound/{row['id']}")).status_code == 403
    assert (await get(agent_client, "/admin/mailboxes")).status_code == 403
    file = await get(agent_client, f"/tickets/{ticket}/messages/{message}/original.eml")
    assert b"as it came" in await file.get_data(as_text=False)


async def test_the_ticket_page_says_what_a_mail_is(inbox: Inbox, agent_client: Client, agent: User) -> None:
    first = await inbox.take(mail("Hi", headers={"Cc": "Zoe <zoe@example.org>"}))
    message_id = await inbox.replied(agent, first["ticket_id"])
    await inbox.take(mail("Away", headers={"In-Reply-To": message_id, "Auto-Submitted": "auto-replied"}))
    page = await (await get(agent_client, f"/tickets/{first['ticket_id']}")).get_data(as_text=True)
    assert "Automatic reply." in page
    assert "Followers" in page
    assert "Zoe" in page
    removal = {"email": "zoe@example.org"}
    assert (await post(agent_client, f"/tickets/{first['ticket_id']}/followers/remove", removal)).status_code == 303
    assert await inbox.count("ticket_followers") == 0
    strange = await inbox.take(
        mail("Hi", sender='"a@b.example" <eve@example.net>', headers={"In-Reply-To": message_id})
    )
    page = await (await get(agent_client, f"/tickets/{strange['ticket_id']}")).get_data(as_text=True)
    assert f'Claims to answer <a href="/tickets/{first["ticket_id"]}">' in page
    assert "looks like the address a@b.example" in page


async def test_a_mailbox_is_added_changed_and_deleted(inbox: Inbox, admin_client: Client, admin: User) -> None:
    answer = await post(
        admin_client, "/admin/mailboxes/new", {"address": "nobody", "fetches": "1", "port": "0", "password": "canary"}
    )
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "canary" not in page
    for words in ("has no @", "The port must be", "The server is empty", "The user name is empty"):
        assert words in page
    department = {"name": "Sales", "email": "", "tracking": "inherit"}
    await post(admin_client, "/admin/departments/new", department)
    number = (await inbox.all("SELECT id FROM departments"))[0]["id"]
    form = {
        "address": "sales@portal.test",
        "department": str(number),
        "port": "993",
        "security": "tls",
        "folder": "INBOX",
        "signature": "The sales team",
    }
    assert (await post(admin_client, "/admin/mailboxes/new", form)).status_code == 303
    box = (await inbox.all("SELECT id FROM mailboxes"))[0]["id"]
    assert "sales@portal.test" in (await (await get(admin_client, "/admin/mailboxes")).get_data(as_text=True)).replace(
        "<wbr>", ""
    )
    row = await inbox.take(mail("To sales"), mailbox_id=box)
    assert (await service.ticket(row["ticket_id"])).department_id == number
    await inbox.replied(admin, row["ticket_id"])
    sent = (await inbox.all("SELECT reply_to, text_body FROM outgoing_emails"))[0]
    assert sent["reply_to"] == "sales@portal.test"
    assert "The sales team" in sent["text_body"]
    assert (
        await post(admin_client, f"/admin/mailboxes/{box}", {**form, "address": "s@portal.test"})
    ).status_code == 303
    await post(admin_client, f"/admin/mailboxes/{box}/test")
    tested = await (await get(admin_client, f"/admin/mailboxes/{box}")).get_data(as_text=True)
    assert "It does not work" in tested
    assert (await post(admin_client, f"/admin/mailboxes/{box}/delete")).status_code == 303
    assert await inbox.count("mailboxes") == 0
    log = await (await get(admin_client, "/admin/audit")).get_data(as_text=True)
    assert f"mailbox {box}" in log
    assert "canary" not in log
    assert (await get(admin_client, f"/admin/mailboxes/{box}")).status_code == 404
