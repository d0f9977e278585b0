"""Fills an empty portal with a believable helpdesk: 3 agents, 8 contacts, 40 tickets."""

from __future__ import annotations

import asyncio
import contextlib
import random
from datetime import datetime, timedelta

import httpx
import structlog

from app.accounts import service as accounts
from app.accounts.models import User
from app.accounts.repository import set_undo_seconds
from app.customer import switch
from app.database import Connection, utcnow
from app.demo.people import AGENTS, CONTACTS, STORIES, Story
from app.demo.short_stories import SHORT
from app.runtime import Runtime
from app.services import modules, tickets

log = structlog.get_logger(__name__)

FRESH = 3
"""The last answers go out for real when the demo starts first, so that the mailbox is not empty."""
CLIENTS = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Thunderbird/140.2.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; ms-office; MSOffice 16) Microsoft Outlook 16.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
]
MACHINES = ["Mozilla/5.0", "Barracuda Sentinel (EE)"]
"""Apple Mail's loading ahead, and a mail gateway: mails of which nobody can say whether they were read."""

UNDO_SECONDS = 5
"""Who tries the demo waits for the mail."""


async def seed(runtime: Runtime) -> str:
    """Fill the portal where it has no user yet; returns the logins to print."""
    async with runtime.database.connection() as conn:
        known = await conn.fetch_value("SELECT COUNT(*) FROM users")
    if not known:
        await _fill(runtime)
    return "\n".join(f"  {role.capitalize():<11} {email}   password: {password}" for email, _, role, password in AGENTS)


async def _fill(runtime: Runtime) -> None:
    agents = []
    for email, name, role, password in AGENTS:
        user_id = await accounts.create_user(email=email, name=name, role=role, password=password)
        async with runtime.database.transaction() as conn:
            await set_undo_seconds(conn, user_id=user_id, seconds=UNDO_SECONDS)
        user = await accounts.user_by_id(user_id)
        assert user is not None  # noqa: S101
        agents.append(user)
    for slug in runtime.infos:
        await modules.set_enabled(slug, enabled=True, user=agents[0])
    await runtime.modules.refresh()
    await switch.turn(True, by=agents[0])
    dice = random.Random(2041)  # noqa: S311
    stories = [*(_short(*entry) for entry in SHORT), *STORIES]
    for number, story in enumerate(stories):
        await _tell(runtime, dice, agents, story, number=number, left=len(stories) - number)
    await runtime.plugins.demo_data()


def _short(subject: str, question: str, answer: str) -> Story:
    return Story(
        subject, f"<p>Hello,</p><p>{question}</p>", f"<p>Hello {{first}},</p><p>{answer}</p>" if answer else None
    )


async def _tell(
    runtime: Runtime, dice: random.Random, agents: list[User], story: Story, *, number: int, left: int
) -> None:
    """Write one ticket through the portal's own services, then move it into the past."""
    name, address = CONTACTS[number % len(CONTACTS)]
    agent = agents[dice.randrange(len(agents))]
    ticket_id = await tickets.create_ticket(
        subject=story.subject,
        requester=f"{name} <{address}>",
        html_body=story.question,
        priority=dice.choice(["normal"] * 5 + ["low", "high", "high", "urgent"]),
        created_by=None,
    )
    asked = utcnow() - timedelta(hours=left * 5 + dice.random() * 4, minutes=dice.randrange(60))
    answered = asked + timedelta(minutes=20 + dice.randrange(200))
    thanked = None
    fresh = left <= FRESH
    if story.answer is not None:
        await tickets.change(ticket_id, user=agent, assignee_id=agent.id)
        body = story.answer.format(first=name.split()[0])
        then = "closed" if story.thanks is None and not fresh and dice.random() < 0.6 else "pending"
        await tickets.add_reply(ticket_id, author=agent, html_body=body, then_status=then)
        if story.thanks is not None and not fresh:
            await tickets.add_customer_message(ticket_id, email=address, html_body=story.thanks)
            await tickets.change(ticket_id, user=agent, status="closed")
            thanked = answered + timedelta(minutes=15 + dice.randrange(90))
    if not fresh:
        await _move_to_the_past(runtime, ticket_id, [asked, answered, thanked or answered])
    elif story.answer is None:
        await _move_to_the_past(runtime, ticket_id, [asked])


async def _move_to_the_past(runtime: Runtime, ticket_id: int, moments: list[datetime]) -> None:
    """Date a ticket back, and its mail as sent then; nothing of it is sent again.

    moments: when it was asked, answered and thanked; fewer where less happened.
    """
    async with runtime.database.transaction() as conn:
        replies = await conn.fetch_all(
            "SELECT id, kind FROM ticket_replies WHERE ticket_id = %(id)s ORDER BY id", {"id": ticket_id}
        )
        for reply, moment in zip(replies, moments, strict=False):
            await conn.execute(
                "UPDATE ticket_replies SET created_at = %(at)s WHERE id = %(id)s", {"at": moment, "id": reply["id"]}
            )
            if reply["kind"] == "reply":
                await _mark_sent(conn, reply["id"], moment, answered=moments[2] if len(replies) > 2 else None)
        last = moments[min(len(replies), len(moments)) - 1]
        await conn.execute(
            """
            UPDATE tickets AS t JOIN contacts AS c ON c.id = t.contact_id
               SET t.created_at = %(first)s, t.last_activity_at = %(last)s,
                   t.first_reply_at = IF(t.first_reply_at IS NULL, NULL, %(answered)s),
                   t.closed_at = IF(t.closed_at IS NULL, NULL, %(last)s),
                   c.created_at = LEAST(c.created_at, %(first)s)
             WHERE t.id = %(id)s
            """,
            {"first": moments[0], "answered": moments[min(1, len(moments) - 1)], "last": last, "id": ticket_id},
        )
        await _date_history(conn, ticket_id, moments)


async def _date_history(conn: Connection, ticket_id: int, moments: list[datetime]) -> None:
    """Taken shortly before the answer, changed with it, and again with and after the thanks."""
    changes = await conn.fetch_all(
        "SELECT id, field FROM ticket_history WHERE ticket_id = %(id)s ORDER BY id", {"id": ticket_id}
    )
    answered = moments[min(1, len(moments) - 1)]
    statuses = iter([answered, moments[-1], moments[-1] + timedelta(minutes=4)])
    for change in changes:
        at = next(statuses, moments[-1]) if change["field"] == "status" else answered - timedelta(minutes=6)
        await conn.execute(
            "UPDATE ticket_history SET happened_at = %(at)s WHERE id = %(id)s", {"at": at, "id": change["id"]}
        )


async def _mark_sent(conn: Connection, reply_id: int, moment: datetime, *, answered: datetime | None) -> None:
    from app.receipts import service as receipts

    await conn.execute(
        """
        UPDATE email_recipients AS r JOIN outgoing_emails AS m ON m.id = r.email_id
           SET r.state = 'sent', r.created_at = %(queued)s, m.created_at = %(queued)s, r.sent_at = %(sent)s,
               r.next_attempt_at = %(queued)s, r.smtp_code = 250,
               r.reports = 'opens,clicks', r.replied_at = %(answered)s
         WHERE m.reply_id = %(reply)s
        """,
        {"queued": moment, "sent": moment + timedelta(seconds=2), "answered": answered, "reply": reply_id},
    )
    await receipts.refresh(conn, reply_id)


async def let_customers_read(runtime: Runtime) -> None:
    """Once, on the first start: load the pixels of some older mails as the customers' mail programs would."""
    marker = runtime.settings.var_dir / "demo_customers_have_read"
    if marker.exists():
        return
    async with runtime.database.connection() as conn:
        rows = await conn.fetch_all(
            """
            SELECT r.tracking_id FROM email_recipients AS r JOIN outgoing_emails AS m ON m.id = r.email_id
             WHERE r.state = 'sent' AND r.sent_at < %(before)s ORDER BY r.id LIMIT 100
            """,
            {"before": utcnow() - timedelta(minutes=1)},
        )
    dice = random.Random(7)  # noqa: S311
    async with httpx.AsyncClient(base_url=str(runtime.settings.portal_url), timeout=5) as client:
        for row in rows:
            chance = dice.random()
            if chance < 0.7:
                headers = {"User-Agent": dice.choice(CLIENTS if chance < 0.55 else MACHINES)}
                with contextlib.suppress(httpx.HTTPError):
                    await client.get(f"/api/email-tracking/pixel/{row['tracking_id']}.gif", headers=headers)
                await asyncio.sleep(0.01)
    marker.touch()
