"""A person's data: given out, erased, and deleted after its time."""

from __future__ import annotations

from app.accounts.models import User
from app.hookspecs import ContactData
from app.privacy import erasure, export_tables
from app.runtime import Runtime
from app.services import contacts, suppressions
from plugins.announcements import statistics
from plugins.announcements.handles import Handles
from tests.announcements.builders import people, sent


async def test_a_person_is_given_out_and_erased_and_their_no_still_holds(
    runtime: Runtime, handles: Handles, ada: User
) -> None:
    bob, carol = await people(runtime, "Bob <bob@x.org>", "carol@x.org")
    known = await sent(handles, ada)
    await statistics.count(handles, known)
    async with runtime.database.transaction() as conn:
        await suppressions.unsubscribe(conn, "bob@x.org", contact_id=bob, mailing=known.mailing, detail="Bob said so")
    contact = await contacts.contact(bob)
    person = ContactData(bob, contact.name, contact.addresses)
    given = await runtime.plugins.export_contact("announcements", person)
    assert [row["email"] for row in given["announcements"]] == ["bob@x.org"]
    async with runtime.database.connection() as conn:
        told = dict([table async for table in export_tables.tables(runtime.database, person)])
    assert [row["reason"] for row in told["suppressed_addresses"]] == ["unsubscribed"]

    await erasure.request(bob, by=ada, keeps_ours=False)
    for _ in range(5):
        await erasure.run_due(runtime)
    async with runtime.database.connection() as conn:
        dump = str(
            [
                await conn.fetch_all(f"SELECT * FROM {table}")  # noqa: S608
                for table in (
                    "announcement_recipients",
                    "suppressions",
                    "announcement_statistics",
                    "outgoing_emails",
                    "email_recipients",
                )
            ]
        )
        left = await conn.fetch_all("SELECT state, email FROM announcement_recipients ORDER BY id")
    assert "bob@x.org" not in dump
    assert "Hello Bob" not in dump
    assert left[1] == {"state": "queued", "email": "carol@x.org"}
    assert carol

    # Somebody puts the address into a file again.
    again, _ = await people(runtime, "Bob <Bob@x.org>", "carol@x.org")
    assert again != bob
    await sent(handles, ada)
    async with runtime.database.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM email_recipients WHERE email LIKE 'bob@%%'", {}) == 0


async def test_who_got_what_long_ago_is_deleted_and_figures_stay(runtime: Runtime, handles: Handles, ada: User) -> None:
    await people(runtime, "a@x.org")
    known = await sent(handles, ada)
    await statistics.count(handles, known)
    assert (await runtime.plugins.purge_old("announcements")).counts == {}
    async with runtime.database.transaction() as conn:
        await conn.execute("UPDATE announcements SET finished_at = finished_at - INTERVAL 731 DAY")
    assert (await runtime.plugins.purge_old("announcements")).counts == {"recipients of announcements": 1}
    counted = await statistics.stored(handles, known.id)
    assert counted is not None
    assert counted.figures.total_recipients == 1


async def test_the_disclosure_tells_of_it(runtime: Runtime) -> None:
    told, silent = await runtime.plugins.privacy_disclosure()
    assert not silent
    assert any("unsubscribe" in one.text and "730 days" in one.text for one in told)
