"""Reading on the page is a proof of reading."""

from __future__ import annotations

import pytest
from quart import Quart

from app.accounts.models import User
from app.consent import service as consent
from app.contacts.service import find_or_create_contact
from app.database import Database
from app.receipts import service as receipts
from app.tickets import service
from tests.customer.conftest import ANN, BOB, Story, Visitor, sent
from tests.support.web import log_in


async def states(story: Story) -> dict[str, tuple[str, str]]:
    """State and reason of each recipient of the reply."""
    panel = (await receipts.panels([story.reply_id]))[story.reply_id]
    return {row.email: (row.state, row.words) for row in panel.rows}


async def test_the_replies_shown_are_read_by_who_gave_the_address_and_by_nobody_else(
    story: Story, visitor: Visitor
) -> None:
    await visitor.enter(story.path())
    assert (await states(story))[BOB][0] == "sent"
    await visitor.client.head(story.path(), headers={"Host": "portal.test"})
    await visitor.get(story.path(), headers={"Sec-Purpose": "prefetch"})
    assert (await states(story))[BOB][0] == "sent"

    await visitor.get(story.path())
    found = await states(story)
    assert found[BOB][0] == "read"
    assert found[BOB][1].startswith("Read on the ticket page at ")
    assert found[ANN][0] == "sent"
    elsewhere = (await receipts.panels([story.elsewhere_id]))[story.elsewhere_id]
    assert elsewhere.badge.state == "sent"


async def test_the_agents_page_says_where_it_was_read(story: Story, visitor: Visitor, app: Quart, agent: User) -> None:
    await visitor.enter(story.path())
    await visitor.get(story.path())
    client = await log_in(app, agent)
    html = await (await client.get(f"/tickets/{story.ticket_id}", headers={"Host": "portal.test"})).get_data(
        as_text=True
    )
    assert "Read on the ticket page at" in html


async def test_an_agent_who_opens_it_counts_as_nothing(story: Story, app: Quart, agent: User) -> None:
    visitor = Visitor(await log_in(app, agent))
    await visitor.enter(story.path())
    assert "counts as nothing" in await visitor.text(story.path())
    assert (await states(story))[BOB][0] == "sent"


async def refuse(db: Database) -> None:
    async with db.transaction() as conn:
        contact_id = await find_or_create_contact(conn, name="Bob", email=BOB)
    await consent.decide(contact_id, "refused", source="page", user_id=None)


async def department_off(db: Database) -> None:
    async with db.transaction() as conn:
        number = await conn.insert(
            "INSERT INTO departments (name, tracking, created_at, updated_at) "
            "VALUES ('Quiet', 'off', UTC_TIMESTAMP(), UTC_TIMESTAMP())",
            {},
        )
        await conn.execute("UPDATE tickets SET department_id = %(id)s", {"id": number})


@pytest.mark.parametrize("wish", [refuse, department_off])
async def test_who_wants_no_tracking_reads_unseen(story: Story, visitor: Visitor, db: Database, wish: object) -> None:
    await wish(db)  # type: ignore[operator]
    await visitor.enter(story.path())
    assert "We do not record what you read" in await visitor.text(story.path())
    assert (await states(story))[BOB][0] == "sent"


async def test_a_reply_that_is_not_to_be_tracked_is_read_unseen(
    story: Story, visitor: Visitor, agent: User, db: Database
) -> None:
    reply = await service.add_reply(
        story.ticket_id, author=agent, html_body="<p>Quiet</p>", to=BOB, enable_tracking=False
    )
    await sent(db, reply.id)
    await visitor.enter(story.path())
    assert "Quiet" in await visitor.text(story.path())
    assert (await receipts.panels([reply.id]))[reply.id].badge.state == "sent"
    assert (await states(story))[BOB][0] == "read"
