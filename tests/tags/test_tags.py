"""Tags on tickets, in the list, and the admin's pages of them."""

from __future__ import annotations

from html import unescape

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.tags import rules
from app.tags import service as tags
from app.tags.errors import TagRefused
from app.tickets import service
from app.tickets.errors import TicketRefused
from tests.support.web import get, post
from tests.tickets.list_support import add_tickets


async def text(client: Client, path: str, status: int = 200) -> str:
    response = await get(client, path)
    assert response.status_code == status
    return unescape(await response.get_data(as_text=True))


@pytest.fixture
async def ticket_id(db: Database) -> int:
    [ticket_id] = await add_tickets(db, [{"subject": "Printer"}])
    return ticket_id


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("", ()),
        (" , ,", ()),
        ("Refund,  VIP  customer ", ("refund", "vip customer")),
        ("#urgent, URGENT", ("urgent",)),
        ("Cafe\u0301", ("caf\u00e9",)),
    ],
)
def test_a_line_is_read(line: str, names: tuple[str, ...]) -> None:
    assert rules.parse(line) == names


@pytest.mark.parametrize(
    ("line", "words"),
    [("x" * 41, "at most 40"), ("a\x00b", "control character"), (",".join(f"t{n}" for n in range(21)), "at most 20")],
)
def test_what_does_not_hold_is_told(line: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rules.parse(line)


async def test_an_agent_tags_a_ticket_on_its_page(agent_client: Client, ticket_id: int) -> None:
    page = f"/tickets/{ticket_id}"
    form = {"tags": "Refund, vip", "tags_was": ""}
    assert (await post(agent_client, f"{page}/properties", form)).status_code == 303
    assert (await service.ticket(ticket_id)).tags == ("refund", "vip")
    shown = await text(agent_client, page)
    assert 'value="refund, vip"' in shown
    assert "added the tags refund, vip" in shown
    # Another agent's tag stays: the form says what it showed.
    await post(agent_client, f"{page}/properties", {"tags": "late", "tags_was": ""})
    await post(agent_client, f"{page}/properties", {"tags": "vip", "tags_was": "refund, vip"})
    assert (await service.ticket(ticket_id)).tags == ("late", "vip")
    assert "removed the tag refund" in await text(agent_client, page)


async def test_a_tag_that_does_not_hold_is_told_at_the_field(agent_client: Client, ticket_id: int) -> None:
    response = await post(agent_client, f"/tickets/{ticket_id}/properties", {"tags": "x" * 41, "tags_was": ""})
    assert response.status_code == 422
    assert "at most 40 fit" in await response.get_data(as_text=True)
    assert (await service.ticket(ticket_id)).tags == ()


async def test_a_ticket_has_at_most_twenty(agent: User, ticket_id: int) -> None:
    await service.change(ticket_id, user=agent, add_tags=[f"t{n}" for n in range(19)])
    with pytest.raises(TicketRefused, match="more than 20"):
        await service.change(ticket_id, user=agent, add_tags=["a", "b"])
    await service.change(ticket_id, user=agent, add_tags=["a", "b"], remove_tags=["t0"])
    assert len((await service.ticket(ticket_id)).tags) == 20


async def test_the_list_shows_and_narrows_by_tags(agent_client: Client, agent: User, db: Database) -> None:
    one, two = await add_tickets(db, [{"subject": "Printer"}, {"subject": "Scanner"}])
    await service.change(one, user=agent, add_tags=["hardware", "a", "b"])
    await service.change(two, user=agent, add_tags=["hardware"])
    page = await text(agent_client, "/tickets?view=all&tag=A")
    assert "Printer" in page
    assert "Scanner" not in page
    assert "Tag: a" in page
    assert "+1" in page
    assert "Scanner" in await text(agent_client, "/tickets?view=all&tag=hardware")
    assert "No tickets match" in await text(agent_client, "/tickets?view=all&tag=unknown")
    assert "at most 40" in await text(agent_client, f"/tickets?tag={'x' * 41}", 400)


async def test_tags_are_offered_while_one_is_typed(agent_client: Client, agent: User, ticket_id: int) -> None:
    await service.change(ticket_id, user=agent, add_tags=["refund", "re_x", "vip"])
    response = await get(agent_client, "/tags?q=RE")
    assert await response.get_json() == ["re_x", "refund"]
    assert await (await get(agent_client, "/tags?q=re_")).get_json() == ["re_x"]
    assert await (await get(agent_client, "/tags?q=%25")).get_json() == []


async def test_an_admin_renames_merges_and_deletes(admin_client: Client, admin: User, db: Database) -> None:
    assert "No tags" in await text(admin_client, "/admin/tags")
    one, two = await add_tickets(db, [{"subject": "Printer"}, {"subject": "Scanner"}])
    await service.change(one, user=admin, add_tags=["refund", "refunds"])
    await service.change(two, user=admin, add_tags=["refunds"])
    found = {tag.name: tag for tag in await tags.tags()}
    assert {name: tag.tickets for name, tag in found.items()} == {"refund": 1, "refunds": 2}
    page = f"/admin/tags/{found['refunds'].id}"
    response = await post(admin_client, page, {"name": "refund"})
    assert response.status_code == 422
    assert "Merge into the tag of this name" in await response.get_data(as_text=True)
    assert (await post(admin_client, page, {"name": "Refund", "merge": "1"})).status_code == 303
    assert {tag.name: tag.tickets for tag in await tags.tags()} == {"refund": 2}
    assert await tags.rename(found["refund"].id, "money back", by=admin) is False
    assert (await service.ticket(two)).tags == ("money back",)
    assert (await get(admin_client, page)).status_code == 404
    assert (await post(admin_client, f"/admin/tags/{found['refund'].id}/delete", {})).status_code == 303
    assert (await service.ticket(one)).tags == ()
    with pytest.raises(TagRefused, match="empty"):
        await tags.rename(found["refund"].id, " ", by=admin)


async def test_only_admins_manage_tags(agent_client: Client) -> None:
    assert (await get(agent_client, "/admin/tags")).status_code == 403
