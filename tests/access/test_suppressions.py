"""A limited agent does not learn by counting who writes to other departments, from the list of suppressed addresses."""

from __future__ import annotations

from quart.typing import TestClientProtocol as Client

from app.database import Database, utcnow
from app.suppressions import service
from app.suppressions.models import New, Reason
from tests.access.conftest import OPEN, SECRET, Desk
from tests.support.web import get, post

HARD: Reason = "hard_bounce"


async def test_lines_of_contacts_out_of_sight_are_not_there(db: Database, desk: Desk, lim: Client) -> None:
    own, foreign = f"{OPEN}@example.org", f"{SECRET}@example.org"
    async with db.transaction() as conn:
        await service.add(
            conn, [New(one, HARD, "sendgrid", utcnow()) for one in (own, foreign, "cc@elsewhere.example")]
        )
        lines = await service.find(conn, [own, foreign, "cc@elsewhere.example"])
    assert own in await (await get(lim, f"/suppressions/{lines[own].id}")).get_data(as_text=True)
    for email in (foreign, "cc@elsewhere.example"):
        number = lines[email].id
        assert (await get(lim, f"/suppressions/{number}")).status_code == 404
        assert (await post(lim, f"/suppressions/{number}/remove")).status_code == 404
    async with db.connection() as conn:
        assert set(await service.find(conn, [own, foreign])) == {own, foreign}

    # Who types such an address hears that it gets no mail, and whom to ask, since the line is not theirs to open.
    answer = await get(lim, f"/suppressions/check?to={own}&cc={foreign}")
    mine, theirs = await answer.get_json()
    assert mine["id"] == lines[own].id
    assert theirs["id"] == 0
    assert theirs["words"].endswith("Ask an admin to let it get mail again.")
    assert (await post(lim, f"/suppressions/{lines[own].id}/remove")).status_code == 303
