"""What came in goes with the person who sent it."""

from __future__ import annotations

from app.accounts.models import User
from app.hookspecs import ContactData
from app.privacy import inbound_steps
from app.tickets import service
from tests.inbound.conftest import Inbox, mail


async def test_originals_and_what_somebody_follows_are_given_out_and_erased(inbox: Inbox, agent: User) -> None:
    ann = await inbox.take(mail("From Ann", sender="ann@example.org", headers={"Cc": "bob@example.org"}))
    bob = await inbox.take(mail("From Bob"))
    contact = (await service.ticket(bob["ticket_id"])).contact_id
    person = ContactData(contact, "Bob Builder", ("bob@example.org",))
    given = {name: rows async for name, rows in inbound_steps.rows(inbox.runtime.database, person)}
    assert [row["id"] for row in given["mails_received"]] == [bob["id"]]
    assert [row["ticket_id"] for row in given["tickets_followed"]] == [ann["ticket_id"]]
    await inbound_steps.erase(inbox.runtime.database, person, lambda name, count: None)
    assert [row["id"] for row in await inbox.all("SELECT id FROM inbound_mails")] == [ann["id"]]
    assert [row["mail_id"] for row in await inbox.all("SELECT mail_id FROM inbound_mail_pieces")] == [ann["id"]]
    assert await inbox.count("ticket_followers") == 0
    assert [row["sender"] for row in await inbox.all("SELECT sender FROM inbound_senders")] == ["ann@example.org"]
