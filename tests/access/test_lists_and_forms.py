"""What names a ticket elsewhere than in the address: lists, searches, figures, news, forms and bodies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from app.accounts import profile
from app.accounts import service as accounts
from app.accounts.models import User
from app.accounts.viewer import viewing
from app.contacts import service as contacts
from app.dashboard import service as dashboard
from app.database import Database, utcnow
from app.departments import service as departments
from app.departments.errors import DepartmentRefused
from app.live import service as live
from app.notifications import mailing
from app.notifications import service as notifications
from app.reports import service as reports
from app.reports.asking import parse as parse_report
from app.runtime import Runtime
from app.tickets import access, bulk, listing, merging, service
from app.tickets.errors import TicketNotFound, TicketRefused
from app.tickets.listing_rules import TicketQuery
from tests.access.conftest import OPEN, SECRET, Desk, make_user
from tests.access.test_every_address import NONCE
from tests.live.stream import listening
from tests.support.web import HOST, get, log_in, post


@pytest.fixture
async def seen_by_lim(desk: Desk) -> AsyncIterator[None]:
    """Lim looks."""
    with viewing(desk.limited):
        yield


async def _ids(user: User, **asked: Any) -> set[int]:
    with viewing(user):
        page = await listing.list_tickets(TicketQuery(user_id=user.id, **{"view": "all", **asked}))
    return {row.id for row in page.rows}


async def _change(db: Database, ticket_id: object, **values: object) -> None:
    async with db.transaction() as conn:
        sets = ", ".join(f"{name} = %({name})s" for name in values)
        await conn.execute(f"UPDATE tickets SET {sets} WHERE id = %(id)s", {**values, "id": ticket_id})  # noqa: S608


async def _tick(client: Client, path: str, departments: Sequence[int], **form: str) -> Response:
    """Post a form in which boxes of departments are ticked."""
    fields = [("csrf_token", client.csrf_token), *form.items(), *(("department", str(one)) for one in departments)]  # type: ignore[attr-defined]
    headers = {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded"}
    return await client.post(path, data=urlencode(fields), headers=headers)


async def test_rule_and_sql_say_the_same_of_every_ticket_and_user(db: Database, desk: Desk, admin: User) -> None:
    free = await make_user("free@portal.test", "Free", role="agent")
    both = await make_user("both@portal.test", "Both", "Support", "Legal")
    chief = await make_user("chief@portal.test", "Chief", "Legal", role="admin")
    users = [desk.limited, desk.legal, free, both, chief, admin]
    ticket_id = int(str(desk.own["ticket_id"]))
    gone = 999_999
    answers = set()
    for department_id in (desk.support_id, desk.legal_id, None, gone):
        for assignee in (None, *users):
            await _change(db, ticket_id, department_id=department_id, assignee_id=assignee and assignee.id)
            async with db.connection() as conn:
                told = await access.who_sees(conn, ticket_id, [user.id for user in users])
                for user in users:
                    rule = access.sees(
                        user,
                        department_id=department_id if department_id != gone else None,
                        assignee_id=assignee.id if assignee else None,
                    )
                    with viewing(user):
                        assert (await access.visible(conn, [ticket_id]) == {ticket_id}) is rule
                    assert (user.id in told) is rule
                    answers.add((user.name, rule))
    assert {name for name, rule in answers if not rule} == {"Lim Ited", "Leo Gal", "Both"}


async def test_lists_searches_and_counts_hold_only_what_is_theirs(db: Database, desk: Desk, admin: User) -> None:
    own, foreign = desk.own["ticket_id"], desk.foreign["ticket_id"]
    for asked in (
        {},
        {"words": "person"},
        {"words": SECRET},
        {"tag": "shared"},
        {"contact_id": desk.foreign["contact_id"]},
    ):
        assert foreign in await _ids(admin, **asked)
        assert foreign not in await _ids(desk.limited, **asked)
    assert await _ids(desk.limited) == {own}
    with viewing(desk.limited):
        assert (await listing.view_counts(desk.limited.id))["open"] == "1"
        assert await listing.jump(f"#{foreign}") is None
        assert await listing.jump(f"{SECRET}@example.org") is None
        assert await listing.jump(f"#{own}") is not None
        assert await listing.jump(f"{OPEN}@example.org") is not None
    await _change(db, foreign, department_id=None, assignee_id=desk.limited.id)
    assert await _ids(desk.limited) == {own, foreign}
    await _change(db, foreign, department_id=desk.legal_id)
    assert await _ids(desk.limited) == {own}, "nor what a foreign department has, whoever has it"


async def test_pages_with_questions_keep_to_it(desk: Desk, lim: Client) -> None:
    foreign, contact = desk.foreign["ticket_id"], desk.foreign["contact_id"]
    for path in (
        f"/tickets?view=all&q={SECRET}", f"/tickets?view=all&q=%23{foreign}", f"/tickets?q={SECRET}@example.org",
        "/tickets?view=all&tag=shared", "/tickets.csv?view=all", f"/contacts?q={SECRET}", f"/contacts?after={contact}",
        f"/tickets/new/contacts?q={SECRET}", "/dashboard?days=30", "/notifications", "/api/tickets?limit=100",
        f"/api/tickets?q={SECRET}", "/api/notifications", f"/live/poll?topics=tickets,ticket:{foreign}&after=1",
        f"/tickets?view=all&q={OPEN}&done=1",
    ):  # fmt: skip
        text = (await (await get(lim, path)).get_data(as_text=True)).lower()
        assert f'"{SECRET}' not in text.replace(f'value="{SECRET}', ""), path
        for word in (
            f"{SECRET} subject",
            f"{SECRET} person",
            f"{SECRET} answer",
            f'"ticket_id": {foreign}',
            f"/{foreign}",
        ):
            assert word not in text, f"{path}: {word}"


async def test_of_a_contact_of_two_departments_the_other_one_tells_nothing(
    db: Database, desk: Desk, lim: Client, admin: User
) -> None:
    before = NONCE.sub("", await (await get(lim, "/contacts")).get_data(as_text=True))
    later = utcnow() + timedelta(days=400)
    await _change(db, desk.foreign["ticket_id"], contact_id=desk.own["contact_id"], last_activity_at=later)
    with viewing(desk.limited):
        [row] = (await contacts.list_contacts()).rows
    assert row.last_activity_at is not None
    assert row.last_activity_at < later
    assert NONCE.sub("", await (await get(lim, "/contacts")).get_data(as_text=True)) == before
    shown = await (await get(lim, f"/contacts/{desk.own['contact_id']}")).get_data(as_text=True)
    assert SECRET not in shown


async def test_a_list_does_not_start_behind_a_foreign_contact(desk: Desk) -> None:
    async def names(after: object) -> list[str]:
        with viewing(desk.limited):
            return [row.name for row in (await contacts.list_contacts(after=int(str(after)))).rows]

    assert await names(desk.foreign["contact_id"]) == await names(999_999) == [f"{OPEN.title()} Person"]


async def test_a_token_reaches_no_further(app: Quart, desk: Desk) -> None:
    token = await profile.create_api_token(desk.limited, name="tests")
    headers = {"Host": HOST, "Authorization": f"Bearer {token}"}
    client = app.test_client()
    listed = await (await client.get("/api/tickets", headers=headers)).get_json()
    assert [one["id"] for one in listed["tickets"]] == [desk.own["ticket_id"]]
    for path in (
        f"/api/tickets/{desk.foreign['ticket_id']}",
        f"/api/email-tracking/status/{desk.foreign['tracking_id']}",
    ):
        assert (await client.get(path, headers=headers)).status_code == 404
    new = {"subject": "x", "requester": "n@example.org", "text_body": "x"}
    path = f"/api/canned-replies/{desk.own['canned_id']}/text?ticket_id="
    assert (await client.get(f"{path}{desk.own['ticket_id']}", headers=headers)).status_code == 200
    assert (await client.get(f"{path}{desk.foreign['ticket_id']}", headers=headers)).status_code == 404
    refusals = []
    for name in ("Legal", "Lagel"):
        answer = await client.post("/api/tickets", json={**new, "department": name}, headers=headers)
        assert answer.status_code == 422
        refusals.append((await answer.get_data(as_text=True)).replace(name, "N"))
    assert refusals[0] == refusals[1], "like a department that there is not"
    answer = await client.post("/api/tickets", json=new, headers=headers)
    assert (await answer.get_json())["department"]["name"] == "Support", "the only one they have"


async def test_figures_count_only_what_is_theirs(db: Database, desk: Desk, admin: User) -> None:
    async with db.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET state = 'sent', sent_at = %(now)s", {"now": utcnow()})
    with viewing(admin):
        every = await dashboard.dashboard(7, zone=UTC)
    with viewing(desk.limited):
        own = await dashboard.dashboard(7, zone=UTC)
    assert (every.sent, own.sent) == (2, 1)
    assert (every.first_response.count, own.first_response.count) == (2, 1)
    assert {one.name for one in own.agents} == {"Lim Ited"}
    assert own.now.any
    await _change(db, desk.foreign["ticket_id"], assignee_id=admin.id, due_at=utcnow() - timedelta(days=1))
    with viewing(desk.limited):
        found = await dashboard.dashboard(7, zone=UTC)
    assert found.now.overdue == 0
    assert "Ada Admin" not in {one.name for one in found.agents}, "nor how much others have elsewhere"


async def test_reports_are_of_their_departments_only(db: Database, desk: Desk, admin: User) -> None:
    day = utcnow().date()
    async with db.transaction() as conn:
        for number, department_id in enumerate((desk.support_id, desk.legal_id)):
            for detailed, named in ((0, 0), (1, department_id)):
                await conn.execute(
                    "INSERT INTO report_days (day, detailed, agent_id, department_id, tag_id, shard, sent) "
                    "VALUES (%(day)s, %(detailed)s, 0, %(department)s, 0, %(shard)s, 1000)",
                    {"day": day, "detailed": detailed, "department": named, "shard": 100 + number},
                )
    for by in ("day", "agent", "mailbox", "tag", "link", "client"):
        query = parse_report({"by": by}, today=day)
        with viewing(admin):
            assert (await reports.report(query)).total.sent // 1000 == 2
        with viewing(desk.limited):
            found = await reports.report(query)
        assert found.total.sent // 1000 == 1
        assert "Leo Gal" not in found.choices.agents.values()
        assert list(found.choices.mailboxes) == [desk.support_id]


async def test_the_dashboard_of_who_has_nothing_says_so(db: Database, desk: Desk) -> None:
    await _change(db, desk.own["ticket_id"], department_id=desk.legal_id, status="closed", active=0, closed_at=utcnow())
    with viewing(desk.limited):
        found = await dashboard.dashboard(7, zone=UTC)
    assert (found.now.any, found.now.open, found.now.overdue) == (False, 0, 0)
    assert found.resolution.count == 0


async def test_news_of_foreign_tickets_are_not_told(
    db: Database, desk: Desk, lim: Client, admin_client: Client
) -> None:
    own, foreign = int(str(desk.own["ticket_id"])), int(str(desk.foreign["ticket_id"]))
    topics = f"tickets,ticket:{own},ticket:{foreign}"

    async def publish(ticket_id: int) -> None:
        async with db.transaction() as conn:
            await live.publish(conn, ticket_id=ticket_id, kind="ticket")

    async with listening(lim, topics) as stream:
        await publish(foreign)
        await publish(own)
        told = [await stream.change()]
        while [one.data["kind"] for one in told].count("ticket") < 2:
            told.append(await stream.change())
    assert {one.data["ticket_id"] for one in told} == {own}
    start = (await (await get(lim, "/live/poll?topics=tickets")).get_json())["cursor"]
    await publish(foreign)
    await publish(own)
    path = f"/live/poll?topics={topics}&after={start}"
    polled, by_admin = [await (await get(client, path)).get_json() for client in (lim, admin_client)]
    assert {one["ticket_id"] for one in polled["events"]} == {own}
    assert {one["ticket_id"] for one in by_admin["events"]} == {own, foreign}
    assert polled["cursor"] == by_admin["cursor"], "it is heard all the same, and never asked for again"


async def test_notifications_of_what_is_not_theirs_any_more_are_gone_and_not_mailed(
    runtime: Runtime, db: Database, desk: Desk
) -> None:
    with viewing(desk.limited):
        assert [one.ticket_id for one in (await notifications.page(desk.limited)).rows] == [desk.own["ticket_id"]]
        assert await notifications.unseen(desk.limited) == 1
    await _change(db, desk.own["ticket_id"], department_id=desk.legal_id)
    async with db.transaction() as conn:
        await conn.execute("UPDATE notifications SET email_wanted = 1")
        await conn.execute("UPDATE users SET mailed_of = 'read'")
    with viewing(desk.limited):
        assert (await notifications.page(desk.limited)).rows == ()
        assert await notifications.unseen(desk.limited) == 0
    await mailing.mail_due(runtime)
    async with db.connection() as conn:
        rows = await conn.fetch_all("SELECT user_id FROM notifications WHERE emailed_at IS NOT NULL")
        assert {row["user_id"] for row in rows} == {desk.legal.id}
    async with db.transaction() as conn:
        await conn.execute("DELETE FROM notifications")
        await notifications.first_read(conn, [int(str(desk.own["recipient_id"]))])
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM notifications") == 0, "nor told in the first place"


@pytest.mark.usefixtures("seen_by_lim")
async def test_services_refuse_what_is_foreign_whoever_calls_them(desk: Desk) -> None:
    own, foreign, user = int(str(desk.own["ticket_id"])), int(str(desk.foreign["ticket_id"])), desk.limited
    for call in (
        service.ticket(foreign), service.conversation(foreign), merging.target(own, foreign),
        service.message(foreign, int(str(desk.foreign["message_id"]))),
        merging.merge(own, foreign, user=user), merging.merge(foreign, own, user=user),
        service.change(foreign, user=user, priority="high"), service.add_reply(foreign, author=user, html_body="x"),
    ):  # fmt: skip
        with pytest.raises(TicketNotFound):
            await call
    done = await bulk.change([own, foreign, 999_999], bulk.Wanted(priority="high"), user=user)
    assert (done.changed, list(done.refused)) == (1, [foreign, 999_999])
    assert done.refused[foreign].replace(str(foreign), "N") == done.refused[999_999].replace("999999", "N")
    with pytest.raises(TicketRefused) as refused:
        await service.add_reply(
            own, author=user, html_body="x", internal=True, attachment_ids=[int(str(desk.foreign["attachment_id"]))]
        )
    assert "files" in refused.value.fields


async def test_what_moved_away_is_not_changed_back(db: Database, desk: Desk) -> None:
    own = int(str(desk.own["ticket_id"]))
    with viewing(desk.limited):
        done = await bulk.change([own], bulk.Wanted(priority="high"), user=desk.limited)
        await _change(db, own, department_id=desk.legal_id)
        assert done.number is not None
        assert list((await bulk.undo(done.number, user=desk.limited)).refused) == [own]


async def test_tickets_stay_with_those_who_see_them(desk: Desk, admin: User) -> None:
    own, foreign = int(str(desk.own["ticket_id"])), int(str(desk.foreign["ticket_id"]))
    with pytest.raises(TicketRefused, match="limited to other departments"):
        await service.change(foreign, user=admin, assignee_id=desk.limited.id)
    await service.change(own, user=admin, assignee_id=desk.limited.id)
    with pytest.raises(TicketRefused, match="limited to other departments"):
        await service.change(own, user=admin, department_id=desk.legal_id)
    await service.change(own, user=admin, department_id=desk.legal_id, assignee_id=desk.legal.id)
    await service.change(own, user=admin, department_id=desk.support_id, assignee_id=None)
    with viewing(desk.limited):
        for department_id in (desk.legal_id, None):
            with pytest.raises(TicketRefused) as refused:
                await service.change(own, user=desk.limited, department_id=department_id)
            assert "department" in refused.value.fields
        with pytest.raises(TicketRefused, match="does not exist"):
            await service.change(own, user=desk.limited, assignee_id=desk.legal.id)
        assert list(await listing.agents()) == [admin.id, desk.limited.id]


async def test_forms_offer_what_is_theirs(desk: Desk, lim: Client, admin_client: Client) -> None:
    for path in ("/tickets/new", f"/tickets/{desk.own['ticket_id']}"):
        page = await (await get(lim, path)).get_data(as_text=True)
        assert "Legal" not in page
        assert "Leo Gal" not in page
        assert "Support" in page
    assert "Legal" in await (await get(admin_client, "/tickets/new")).get_data(as_text=True)
    form = {"requester": "new@example.org", "subject": "New", "body_text": "x", "department": str(desk.legal_id)}
    answer = await post(lim, "/tickets/new", form)
    assert answer.status_code == 422
    answer = await post(lim, "/tickets/new", {**form, "department": ""})
    assert answer.status_code == 303
    assert (await get(lim, answer.location.partition("#")[0])).status_code == 200, (
        "it went to the only department they have"
    )


async def test_who_has_several_departments_chooses(desk: Desk) -> None:
    both = await make_user("both@portal.test", "Both", "Support", "Legal")
    with viewing(both), pytest.raises(TicketRefused, match="Choose one of your departments"):
        await service.create_ticket(subject="x", requester="n@example.org", text_body="x", created_by=both)


async def test_an_address_of_a_foreign_contact_names_nobody(desk: Desk, lim: Client) -> None:
    path = f"/contacts/{desk.own['contact_id']}/addresses"
    answer = await post(lim, path, {"email": f"{SECRET}@example.org"})
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "belongs to somebody else" in page
    assert f"{SECRET.title()} Person" not in page


async def test_admins_say_who_sees_what(
    app: Quart, desk: Desk, admin_client: Client, admin: User, db: Database
) -> None:
    page = await (await get(admin_client, f"/admin/users/{desk.limited.id}")).get_data(as_text=True)
    assert f'name="department" value="{desk.support_id}" checked' in page
    address, form = f"/admin/users/{desk.limited.id}", {"name": "Lim Ited", "role": "agent"}
    await _tick(admin_client, address, [desk.support_id, desk.legal_id], **form)
    found = await accounts.user_by_id(desk.limited.id)
    assert found is not None
    assert found.departments == {desk.support_id, desk.legal_id}
    client = await log_in(app, found)
    assert (await get(client, f"/tickets/{desk.foreign['ticket_id']}")).status_code == 200
    await _tick(admin_client, address, [desk.support_id], **form)
    assert (await get(client, f"/tickets/{desk.foreign['ticket_id']}")).status_code == 404, "from the next request on"
    async with db.connection() as conn:
        rows = await conn.fetch_all("SELECT detail FROM audit_log WHERE action = 'user.change' ORDER BY id")
    assert [json.loads(row["detail"])["departments"] for row in rows] == [
        {"from": "Support", "to": "Legal, Support"},
        {"from": "Legal, Support", "to": "Support"},
    ]
    answer = await _tick(admin_client, address, [999_999], **form)
    assert answer.status_code == 422
    assert "There is no department 999999 any more" in await answer.get_data(as_text=True)
    with pytest.raises(DepartmentRefused, match="Lim Ited is limited to it"):
        await departments.delete(desk.support_id, by=admin)
    answer = await post(admin_client, f"/admin/departments/{desk.support_id}/delete")
    assert answer.status_code == 422
    await _tick(admin_client, address, [], **form)
    assert (await get(client, f"/tickets/{desk.foreign['ticket_id']}")).status_code == 200
    assert await departments.delete(desk.support_id, by=admin) == "Support"


async def test_an_invitation_says_what_its_agent_will_see(desk: Desk, admin_client: Client) -> None:
    form = {"email": "new@portal.test", "name": "New", "role": "agent"}
    assert (await _tick(admin_client, "/admin/users", [desk.legal_id], **form)).status_code == 201
    [found] = [one for one in await accounts.list_users() if one.email == "new@portal.test"]
    assert found.departments == {desk.legal_id}
