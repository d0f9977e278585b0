"""What the demo portal shows of announcements: one that went out yesterday, and a draft."""

from __future__ import annotations

from datetime import timedelta

from app.database import Connection, utcnow
from app.services import mailings, receipts
from app.services.email import enqueue_many
from plugins.announcements import audience, finding, recipients, repository
from plugins.announcements.content import Template
from plugins.announcements.handles import Handles

AGO = timedelta(hours=26)
SENT = (
    "Our support hours over the holidays",
    "<p>Hello {{contact.first_name|there}},</p><p>from 24 December to 1 January we answer between 9 and 15 o'clock. "
    'In urgent cases <a href="https://www.acme.example/emergency">call the hotline</a>; '
    '<a href="https://www.acme.example/status">the status page</a> says at any time whether all is well.</p>'
    "<p>Happy holidays<br>{{agent.name}}</p>",
)
REFUSAL = "550 5.1.1 No such user here"
DRAFT = (
    "Planned outage on Sunday",
    "<p>Hello {{contact.first_name|there}},</p><p>on Sunday from 8 to 10 our service is down while we move it to new "
    "machines.</p>",
)


async def fill(handles: Handles) -> None:
    """Write both, where there is none yet."""
    async with handles.database.connection() as conn:
        if await repository.counts(conn):
            return
        user = await conn.fetch_value("SELECT id FROM users WHERE role = 'admin' ORDER BY id LIMIT 1")
    await handles.database.run(lambda conn: _sent(conn, handles, user))
    await handles.database.run(lambda conn: _insert(conn, user, *DRAFT))


async def _insert(conn: Connection, user_id: int | None, subject: str, body: str) -> int:
    values = {
        "subject": subject,
        "body_html": body,
        "audience": "all",
        "audience_value": "",
        "per_minute": 0,
        "is_tracked": True,
    }
    return await repository.insert(conn, user_id=user_id, values=values)


async def _sent(conn: Connection, handles: Handles, user_id: int | None) -> None:
    number = await _insert(conn, user_id, *SENT)
    at = utcnow() - AGO
    known = await finding.found(conn, number)
    people = await audience.page(conn, known.audience, after=0)
    await recipients.insert(conn, number, [person for _, person in people])
    taken = await recipients.take(conn, number, limit=audience.PAGE)
    template = await Template.of(known, handles)
    mails = [template.mail(person, unsubscribe=handles.unsubscribe_url(row)) for row, person in taken]
    queued = await enqueue_many(conn, mails)
    await recipients.set_queued(
        conn, {row: mail.recipients[0].id for (row, _), mail in zip(taken, queued, strict=True)}
    )
    await repository.change(
        conn, number, state="sent", sent_by=user_id, listed_at=at, started_at=at, finished_at=at + timedelta(seconds=5)
    )
    copies = await mailings.date_back(conn, known.mailing, at)
    told = at + timedelta(seconds=4)
    reports = [receipts.Report(copy, None, None, "delivered", told) for copy, _ in copies[:-1]]
    reports += [
        receipts.Report(copy, None, None, "bounced", told, bounce="hard", short="mailbox unknown", detail=REFUSAL)
        for copy, _ in copies[-1:]
    ]
    await receipts.report(conn, reports)
