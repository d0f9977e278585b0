"""The list as a CSV file: the same tickets, all pages, and nothing that a spreadsheet computes."""

from __future__ import annotations

import csv
import io

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.spreadsheets import MARK, cell, lines
from app.tickets import exporting, service
from tests.support.web import get
from tests.tickets.list_support import add_tickets


async def rows(client: Client, path: str) -> list[dict[str, str]]:
    response = await get(client, path)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="tickets-')
    data = await response.get_data(as_text=False)
    assert data.startswith(MARK)
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_other_values_are_themselves() -> None:
    assert lines([(None, True, -5, 'a "b", c', "x\x00y")]) == b',yes,-5,"a ""b"", c",xy\r\n'


async def test_the_file_holds_what_the_list_holds(agent_client: Client, agent: User, db: Database) -> None:
    one, two = await add_tickets(db, [{"subject": "=HYPERLINK(1)"}, {"subject": "Scanner"}])
    await service.change(one, user=agent, add_tags=["vip", "a"], priority="urgent", assignee_id=agent.id)
    await service.change(two, user=agent, status="closed")
    [row] = await rows(agent_client, "/tickets.csv")
    assert (row["Number"], row["Subject"], row["Tags"]) == (str(one), "'=HYPERLINK(1)", "a, vip")
    assert (row["Status"], row["Priority"], row["Assignee"]) == ("Open", "Urgent", agent.name)
    assert [row["Subject"] for row in await rows(agent_client, "/tickets.csv?view=closed")] == ["Scanner"]


async def test_all_pages_are_in_it(agent_client: Client, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE", 3)
    ids = await add_tickets(db, [{"subject": f"Ticket {number}"} for number in range(8)])
    found = await rows(agent_client, "/tickets.csv?view=all&sort=created&dir=asc")
    assert [int(row["Number"]) for row in found] == sorted(ids)
    monkeypatch.setattr(exporting, "MOST", 3)
    found = await rows(agent_client, "/tickets.csv?view=all")
    assert len(found) == 4
    assert "more than 3 tickets" in found[-1]["Number"]


async def test_a_list_that_there_is_not_is_told(agent_client: Client) -> None:
    assert (await get(agent_client, "/tickets.csv?view=none")).status_code == 400
