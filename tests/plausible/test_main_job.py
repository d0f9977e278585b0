"""From an agent's reply over a real mail server to the badge, without a browser."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from html import unescape
from typing import Any

import pytest
from quart import Quart

from app.accounts.models import User
from app.runtime import Runtime, current
from app.services import email as mails
from app.services import receipts, tickets
from app.settings import Settings
from tests.support.reader import FOLLOWED, SHOWN, let_lie
from tests.support.scripted_smtp import AcceptedMail, Fault, ScriptedSmtp
from tests.support.web import get, log_in

GUIDE = "https://example.org/guide?a=1&b=2"
BODY = f'<p>Have a look at <a href="{unescape(GUIDE)}">the guide</a>.</p>'


@pytest.fixture
def portal_settings(settings: Settings, smtp: ScriptedSmtp) -> Settings:
    """A portal with a mail server."""
    return settings.model_copy(update={"smtp_host": smtp.host, "smtp_port": smtp.port})


@pytest.fixture
async def ticket_id(portal: Runtime) -> int:
    return await tickets.create_ticket(
        subject="Printer", requester="Bob <bob@example.org>", html_body="<p>It smokes.</p>", created_by=None
    )


async def send(ticket_id: int, author: User, **values: Any) -> tickets.SentReply:
    sent = await tickets.add_reply(ticket_id, author=author, html_body=BODY, **values)
    assert sent.mail is not None
    await mails.deliver_now(sent.mail.id)
    await let_lie(current().database)
    return sent


def parts(accepted: AcceptedMail) -> tuple[str, str]:
    """HTML and text of a mail, decoded."""
    message = email.message_from_bytes(accepted.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert text is not None
    return html.get_content(), text.get_content()


def tracked(html: str) -> tuple[str, str]:
    """Paths of the pixel and of the one link in a mail."""
    [pixel] = re.findall(r'<img src="http://portal\.test(/api/email-tracking/pixel/[^"]+)"', html)
    [link] = re.findall(r'href="http://portal\.test(/api/email-tracking/click[^"]+)"', html)
    return pixel, unescape(link)


async def badge(reply_id: int) -> str:
    return (await receipts.badges([reply_id]))[reply_id].word


async def test_opening_the_mail_turns_the_badge_and_every_recipient_has_their_own(
    plausible: Quart, smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    sent = await send(ticket_id, gus, to="bob@example.org", cc="ann@example.org")
    assert await badge(sent.id) == "Sent"
    by_recipient = {mail.recipient: parts(mail) for mail in smtp.accepted}
    world = plausible.test_client()

    pixel, _ = tracked(by_recipient["ann@example.org"][0])
    assert (await world.get(pixel, headers=SHOWN)).status_code == 200
    assert await badge(sent.id) == "Read by 1 of 2"
    _, link = tracked(by_recipient["bob@example.org"][0])
    response = await world.get(link, headers=FOLLOWED)

    assert (response.status_code, response.headers["Location"]) == (302, GUIDE)
    assert await badge(sent.id) == "All read"
    rows = {row.email: row for row in (await receipts.panels([sent.id]))[sent.id].rows}
    assert (rows["ann@example.org"].opens, rows["ann@example.org"].links) == (1, ())
    assert (rows["bob@example.org"].opens, rows["bob@example.org"].links) == (0, ((GUIDE, 1),))


async def test_agents_and_the_text_part_see_the_mail_without_tracking(
    plausible: Quart, smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    await send(ticket_id, gus)
    html, text = parts(smtp.accepted[0])
    assert "/api/email-tracking/" in html
    assert "/api/email-tracking/" not in text
    assert GUIDE in text
    page = await (await get(await log_in(plausible, gus), f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "the guide" in page
    assert "/api/email-tracking/" not in page


async def test_the_replys_own_columns_hold_what_happened(
    plausible: Quart, portal: Runtime, smtp: ScriptedSmtp, ticket_id: int, gus: User
) -> None:
    sent = await send(ticket_id, gus, to="bob@example.org", cc="ann@example.org")
    assert sent.mail is not None
    pixel, _ = tracked(parts(smtp.accepted[0])[0])
    await plausible.test_client().get(pixel, headers=SHOWN)
    await plausible.test_client().get(pixel, headers=SHOWN)
    async with portal.database.connection() as conn:
        row = await conn.fetch_one(
            """
            SELECT email_tracking_id, email_sent_at, email_opened_at, email_open_count
              FROM ticket_replies WHERE id = %(id)s
            """,
            {"id": sent.id},
        )
    assert row is not None
    assert row["email_tracking_id"] == sent.mail.recipients[0].tracking_id
    assert row["email_sent_at"] < row["email_opened_at"]
    assert row["email_open_count"] == 2


async def test_an_untracked_reply_says_so_and_carries_nothing(
    smtp: ScriptedSmtp, plausible: Quart, ticket_id: int, gus: User
) -> None:
    sent = await send(ticket_id, gus, enable_tracking=False)
    assert "/api/email-tracking/" not in parts(smtp.accepted[0])[0]
    assert await badge(sent.id) == "Not tracked"


async def test_an_open_proves_that_a_mail_of_unknown_outcome_arrived(
    smtp: ScriptedSmtp, plausible: Quart, ticket_id: int, gus: User
) -> None:
    smtp.faults.append(Fault("dot", do="drop", keep=True))
    sent = await send(ticket_id, gus)
    assert await badge(sent.id) == "Perhaps sent"
    pixel, _ = tracked(parts(smtp.accepted[0])[0])
    await plausible.test_client().get(pixel, headers=SHOWN)
    assert await badge(sent.id) == "Read"


async def test_send_email_reports_what_was_tracked(
    smtp: ScriptedSmtp, plausible: Quart, ticket_id: int, gus: User
) -> None:
    reply = await tickets.add_reply(ticket_id, author=gus, html_body="<p>x</p>", internal=True)
    sent, metadata = await mails.send_email(
        subject="Ticket Update",
        recipients=["user@example.com"],
        html_body=BODY,
        enable_tracking=True,
        ticket_reply_id=reply.id,
    )
    assert sent
    assert metadata is not None
    assert metadata["tracked"]
    pixel, _ = tracked(parts(smtp.accepted[0])[0])
    assert pixel == f"/api/email-tracking/pixel/{metadata['tracking_id']}.gif"
