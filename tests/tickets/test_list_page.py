"""The page /tickets as a browser gets it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.receipts.models import Badge
from app.tickets import listing, search, service
from app.tickets.row_words import row_badge
from tests.support.web import get
from tests.tickets.list_support import add_tickets


async def _page(client: Client, path: str, status: int = 200) -> str:
    response = await get(client, path)
    assert response.status_code == status, await response.get_data(as_text=True)
    return await response.get_data(as_text=True)


def _links(page: str) -> dict[str, str]:
    """Words of each link → where it leads."""
    found = re.findall(r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', page, re.DOTALL)
    return {" ".join(unescape(re.sub(r"<[^>]+>", " ", words)).split()): unescape(href) for href, words in found}


async def test_a_line_says_what_an_agent_needs_to_choose(db: Database, agent_client: Client, agent: User) -> None:
    [ticket_id] = await add_tickets(
        db,
        [{"subject": "Printer <on> fire", "priority": "urgent", "assignee_id": agent.id, "text": "It smokes & burns"}],
    )
    page = await _page(agent_client, "/tickets")
    assert _links(page)["Printer <on> fire"] == f"/tickets/{ticket_id}"
    assert "Printer &lt;on&gt; fire" in page
    assert "It smokes &amp; burns" in page
    for words in ("Bob Builder", "Urgent", "Assigned to Gus Agent", "waits for us", f'data-ticket-badge="{ticket_id}"'):
        assert words in page
    assert 'data-live-topics="tickets me"' in page


async def test_the_badge_of_the_last_reply_stands_in_its_line(agent_client: Client, agent: User) -> None:
    ticket_id = await service.create_ticket(
        subject="Printer", requester="bob@example.org", text_body="It smokes", created_by=None
    )
    assert "badge-queued" not in await _page(agent_client, "/tickets")
    reply = await service.add_reply(ticket_id, author=agent, html_body="<p>Run!</p>")
    page = await _page(agent_client, "/tickets?receipt=queued")
    assert "badge-queued" in page
    assert f'popovertarget="receipt-{reply.id}"' in page
    assert _links(page)["Open the reply"] == f"/tickets/{ticket_id}#reply-{reply.id}"
    assert "Nothing here" not in page
    assert "Printer" not in await _page(agent_client, "/tickets?receipt=failed")


async def test_a_list_by_last_reading_says_when_that_was(db: Database, agent_client: Client) -> None:
    await add_tickets(db, [{"subject": "Unread"}, {"subject": "Read", "read": 5, "last_receipt": "read"}])
    page = await _page(agent_client, "/tickets?sort=read")
    assert page.index(">Read<") < page.index(">Unread<")
    assert re.search(r'Last read: </span><time class="when" datetime="2026-05-01T00:05:00', page)
    assert 'Last read: </span><span class="when">never</span>' in page
    links = _links(page)
    assert links["Last read, never or longest ago first"] == "/tickets?sort=read&dir=asc"
    assert links["Replied"] == "/tickets?receipt=replied&sort=read"
    assert links["Nothing mailed"] == "/tickets?receipt=none&sort=read"


async def test_filters_are_chips_that_can_be_taken_off_one_by_one(
    db: Database, agent_client: Client, agent: User
) -> None:
    await add_tickets(db, [{"priority": "high", "assignee_id": agent.id}])
    page = await _page(agent_client, "/tickets?view=all&priority=high&assignee=me&sort=created")
    links = _links(page)
    assert links["Priority: High , remove this filter"] == f"/tickets?view=all&assignee={agent.id}&sort=created"
    assert links["Assignee: Me , remove this filter"] == "/tickets?view=all&priority=high&sort=created"
    assert links["Waiting for the customer"] == (
        f"/tickets?view=all&status=pending&priority=high&assignee={agent.id}&sort=created"
    )
    assert "Urgent" not in links


async def test_tabs_show_counts_and_keep_what_still_fits(db: Database, agent_client: Client) -> None:
    await add_tickets(db, [{}, {"status": "closed"}])
    assert _links(await _page(agent_client, "/tickets?view=all"))["Open 1"] == "/tickets"
    links = _links(await _page(agent_client, "/tickets?view=all&status=closed&q=question"))
    assert links["Open"] == "/tickets?view=open&q=question"
    assert links["Closed"] == "/tickets?view=closed&q=question&status=closed"


async def test_a_count_above_the_limit_says_so(
    db: Database, agent_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_COUNTED", 2)
    await add_tickets(db, [{} for _ in range(3)])
    assert "Open 2+" in _links(await _page(agent_client, "/tickets"))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/tickets", "All done"),
        ("/tickets?view=mine", "Nothing is assigned to you"),
        ("/tickets?view=unassigned", "Every open ticket has an owner"),
        ("/tickets?view=all", "No tickets yet"),
        ("/tickets?view=closed", "Nothing is closed yet"),
        ("/tickets?priority=urgent", "No tickets match"),
        ("/tickets?status=closed", "No tickets match"),
        ("/tickets?receipt=read", "No tickets match"),
        ("/tickets?q=nonsense", "Nothing found"),
        ("/tickets?q=nonsense&view=mine", "Search all tickets"),
        ("/tickets?q=%2B%2B", "Nothing to search for"),
        ("/tickets?after=1777803120123456.12", "Go to the first page"),
    ],
)
async def test_an_empty_list_says_why_and_what_to_do(agent_client: Client, path: str, words: str) -> None:
    page = await _page(agent_client, path)
    assert words in page
    assert "<ol" not in page


async def test_pages_lead_on_and_back(db: Database, agent_client: Client) -> None:
    await add_tickets(db, [{"subject": f"Number {n}", "minute": n} for n in range(120)])
    first = await _page(agent_client, "/tickets?view=open")
    second = await _page(agent_client, _links(first)["Next"])
    third = await _page(agent_client, _links(second)["Next"])
    numbers = [[int(n) for n in re.findall(r">Number (\d+)</a>", page)] for page in (first, second, third)]
    assert numbers == [list(range(119, 69, -1)), list(range(69, 19, -1)), list(range(19, -1, -1))]
    assert "50 of 120 tickets" in first
    assert "Next" not in _links(third)
    assert "Previous" not in _links(first)
    back = await _page(agent_client, _links(third)["Previous"])
    assert [int(n) for n in re.findall(r">Number (\d+)</a>", back)] == numbers[1]


@pytest.mark.parametrize("path", ["/tickets?view=secret", "/tickets?after=x", "/tickets?q=" + "x" * 201])
async def test_a_url_that_is_wrong_is_explained_on_the_page(agent_client: Client, path: str) -> None:
    page = await _page(agent_client, path, 400)
    assert "There is no such list" in page
    assert _links(page)["See open tickets"] == "/tickets"


async def test_a_search_that_was_stopped_says_so(
    db: Database, agent_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    [ticket] = await add_tickets(db, [{}])
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE ticket_words SET words = CONCAT(' ', REPEAT('abcd ', 3000000)) WHERE ticket_id = %(id)s",
            {"id": ticket},
        )
    monkeypatch.setattr(search, "SECONDS", 0.001)
    page = await _page(agent_client, "/tickets?q=abcde", 422)
    assert "The search was stopped" in page


async def test_the_search_field_keeps_what_was_typed_escaped(agent_client: Client) -> None:
    page = await _page(agent_client, "/tickets?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page
    assert 'value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in page


async def test_a_number_opens_the_ticket_and_an_address_the_contact(agent_client: Client) -> None:
    ticket_id = await service.create_ticket(
        subject="Printer", requester="bob@example.org", text_body="It smokes", created_by=None
    )
    contact_id = (await service.ticket(ticket_id)).contact_id
    for words, place in ((f"%23{ticket_id}", f"/tickets/{ticket_id}"), ("bob@example.org", f"/contacts/{contact_id}")):
        response = await get(agent_client, f"/tickets?q={words}")
        assert (response.status_code, response.location) == (303, place)
    assert "Nothing found" in await _page(agent_client, f"/tickets?q=%23{ticket_id + 1}")


async def test_a_stranger_is_asked_to_log_in(client: Client) -> None:
    response = await get(client, "/tickets")
    assert (response.status_code, response.location) == (303, "/login?next=/tickets")


@pytest.mark.parametrize(
    ("word", "shown"), [("Read", "Read 1 Feb"), ("Read by 1 of 4", "Read by 1 of 4"), ("Delivered", "Delivered 1 Feb")]
)
def test_a_line_has_the_moment_of_its_badge_only_where_both_can_be_read(word: str, shown: str) -> None:
    at = datetime(2020, 2, 1, 12, tzinfo=UTC)
    assert row_badge(Badge("read", word, at)).word == shown
