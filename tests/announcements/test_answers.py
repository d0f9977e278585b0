"""What comes back: answers become tickets that name the announcement, out-of-office mails nothing."""

from __future__ import annotations

from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.inbound import processing, store
from app.runtime import Runtime
from app.services import mailings
from plugins.announcements.handles import Handles
from tests.announcements.builders import deliver, mail_to, people, sent
from tests.inbound.conftest import mail
from tests.support.scripted_smtp import ScriptedSmtp
from tests.support.web import get


async def test_an_answer_is_a_ticket_that_names_it_and_an_absence_is_none(
    runtime: Runtime, handles: Handles, ada: User, ada_client: Client, smtp: ScriptedSmtp
) -> None:
    await people(runtime, "Bob Builder <bob@example.org>", "carol@example.org")
    known = await sent(handles, ada)
    await deliver(runtime, smtp, 2)
    ids = {one: str(mail_to(smtp.accepted, one)["Message-ID"]) for one in ("bob@example.org", "carol@example.org")}
    answer = mail(
        "When is it over?",
        subject="Re: Outage on Sunday",
        headers={"Message-ID": "<1@example.org>", "References": f"<other@x> {ids['bob@example.org']}"},
    )
    absent = mail(
        "I am away.",
        sender="carol@example.org",
        subject="Out of office: Outage on Sunday",
        headers={
            "Message-ID": "<2@example.org>",
            "In-Reply-To": ids["carol@example.org"],
            "Auto-Submitted": "auto-replied",
        },
    )
    for raw in (answer, absent):
        await store.receive(runtime, raw, source="pipe")
    await processing.run_due(runtime)
    async with runtime.database.connection() as conn:
        (row,) = await conn.fetch_all("SELECT id, subject FROM tickets")
        counts = await mailings.counts(conn, known.mailing)
        assert await mailings.answers(conn, known.mailing, limit=5) == [(row["id"], row["subject"])]
        assert await conn.fetch_value("SELECT COUNT(*) FROM outgoing_emails") == 2, "nothing answers an absence"
    assert counts.replied == 1
    page = await (await get(ada_client, f"/tickets/{row['id']}")).get_data(as_text=True)
    assert "answered our announcement “Outage on Sunday”" in page
    page = await (await get(ada_client, f"/announcements/{known.id}/progress")).get_data(as_text=True)
    assert f'href="/tickets/{row["id"]}"' in page
