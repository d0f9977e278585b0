"""The list itself: what stands, what does not come back, what is asked of it."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from app.accounts.models import User
from app.database import Database, utcnow
from app.email import service as email
from app.email.errors import RecipientsSuppressed
from app.hookspecs import ContactData
from app.privacy import erasure_steps, export_tables
from app.runtime import Runtime
from app.suppressions import rules, service
from app.suppressions.errors import SuppressionNotFound, SuppressionRefused
from app.suppressions.models import New, Query, Suppression
from tests.email.outbox import queue, rows, set_state

BOB, ANN = "Bob@Example.org", "ann@example.org"


async def put(db: Database, email: str = BOB, *, minutes: int = 0, **changes: object) -> None:
    new = New(email, "hard_bounce", "sendgrid", utcnow() + timedelta(minutes=minutes), detail="550 5.1.1 no such user")
    async with db.transaction() as conn:
        await service.add(conn, [New(**{**new.__dict__, **changes})])


async def found(db: Database, *emails: str, scope: str = "all") -> dict[str, Suppression]:
    async with db.connection() as conn:
        return await service.find(conn, emails, scope=scope)  # type: ignore[arg-type]


async def test_an_address_is_found_whatever_its_case_and_as_it_was_given(db: Database) -> None:
    await put(db)
    one = (await found(db, "BOB@EXAMPLE.ORG", ANN, "böb@example.org"))["BOB@EXAMPLE.ORG"]
    assert (one.email, one.scope, one.reason, one.source) == ("bob@example.org", "all", "hard_bounce", "sendgrid")
    assert list(await found(db, ANN)) == []
    assert "mail to it bounced" in rules.why(one)
    assert rules.why(one).endswith(": 550 5.1.1 no such user")


async def test_who_wants_no_announcements_gets_other_mail(db: Database) -> None:
    await put(db, ANN, scope="announcements", reason="unsubscribed")
    assert await found(db, ANN) == {}
    assert (await found(db, ANN, scope="announcements"))[ANN].reason == "unsubscribed"
    await put(db, ANN, reason="complaint")
    assert (await found(db, ANN, scope="announcements"))[ANN].reason == "complaint"


async def test_the_weightiest_reason_is_kept_in_whatever_order_they_come(db: Database) -> None:
    told = [("hard_bounce", 0), ("complaint", 2), ("complaint", 1), ("soft_bounces", -5), ("hard_bounce", -3)]
    left = []
    for order in itertools.permutations(told):
        for reason, minute in order:
            await put(db, minutes=minute, reason=reason, source=f"{reason} {minute}")
        one = (await found(db, BOB))[BOB]
        left.append((one.reason, one.source))
        async with db.transaction() as conn:
            await conn.execute("DELETE FROM suppressions")
    assert set(left) == {("complaint", "complaint 1")}


async def test_only_what_happened_since_brings_back_what_was_taken_off(db: Database, agent: User) -> None:
    await put(db, minutes=-10)
    one = (await found(db, BOB))[BOB]
    await service.remove(one.id, by=agent)
    assert await found(db, BOB) == {}
    await put(db, minutes=-5, source="late")
    assert await found(db, BOB) == {}
    await put(db, minutes=5, reason="complaint", source="ses")
    again = (await found(db, BOB))[BOB]
    assert (again.id, again.reason, again.source) == (one.id, "complaint", "ses")


async def test_a_removal_is_in_the_audit_log_without_the_address_and_can_be_undone(db: Database, agent: User) -> None:
    await put(db)
    one = (await found(db, BOB))[BOB]
    await service.remove(one.id, by=agent)
    await service.remove(one.id, by=agent)
    await service.restore(one.id, by=agent)
    assert (await found(db, BOB))[BOB] == one
    async with db.connection() as conn:
        logged = await conn.fetch_all(
            "SELECT action, subject, user_id, detail FROM audit_log WHERE action LIKE 'suppr%' ORDER BY id"
        )
    assert [(row["action"], row["subject"], row["user_id"]) for row in logged] == [
        ("suppression.remove", f"suppression:{one.id}", agent.id),
        ("suppression.restore", f"suppression:{one.id}", agent.id),
    ]
    assert not any("example.org" in row["detail"].lower() for row in logged)
    with pytest.raises(SuppressionNotFound):
        await service.remove(one.id + 1, by=agent)


@pytest.mark.parametrize(
    ("address", "scope", "field"), [("nobody", "all", "email"), (ANN, "some", "scope"), (BOB, "all", "email")]
)
async def test_what_cannot_be_added_by_hand_says_why(
    db: Database, agent: User, address: str, scope: str, field: str
) -> None:
    await put(db)
    with pytest.raises(SuppressionRefused) as caught:
        await service.add_by_hand(address, scope=scope, detail="", by=agent)
    assert caught.value.field == field


async def test_pages_filter_and_the_file_has_every_line_once(db: Database, agent: User) -> None:
    async with db.transaction() as conn:
        await service.add(conn, [New(f"a{number}@x.org", "complaint", "ses", utcnow()) for number in range(120)])
    await service.add_by_hand("=cmd@x.org", scope="announcements", detail="=1+1", by=agent)
    first = await service.page(Query())
    second = await service.page(Query(), before=first.older)
    third = await service.page(Query(), before=second.older)
    assert [len(page.rows) for page in (first, second, third)] == [50, 50, 21]
    assert (first.newer, third.older, first.total) == (0, 0, 121)
    assert (await service.page(Query(), after=second.newer)).rows == first.rows
    assert sorted(one.email for one in (await service.page(Query("A7"))).rows) == [
        *(f"a{number}@x.org" for number in (70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 7)),
    ]
    assert (await service.page(Query(reason="manual", scope="announcements"))).total == 1
    file = b"".join([piece async for piece in service.csv(Query())]).decode("utf-8-sig")
    assert file.count("\r\n") == 122
    assert "'=cmd@x.org,Announcements only,Added by hand,an agent,'=1+1," in file


async def test_no_mail_is_stored_for_a_suppressed_address_but_login_links(runtime: Runtime, db: Database) -> None:
    await put(db)
    with pytest.raises(RecipientsSuppressed, match="Use another address") as caught:
        await queue(runtime, f"{ANN}, {BOB}")
    assert list(caught.value.words) == ["Bob@example.org"]
    assert await rows(db) == {}
    await queue(runtime, BOB, sensitive=True)
    await queue(runtime, ANN)


async def test_a_copy_that_failed_is_not_sent_again_to_a_suppressed_address(runtime: Runtime, db: Database) -> None:
    mail = await queue(runtime, BOB)
    await set_state(db, "failed")
    await put(db)
    with pytest.raises(RecipientsSuppressed):
        await email.send_again(mail.recipients[0].id)


async def test_after_an_erasure_the_address_is_gone_and_still_gets_no_mail(
    runtime: Runtime, db: Database, agent: User
) -> None:
    await put(db)
    await put(db, ANN)
    await service.remove((await found(db, ANN))[ANN].id, by=agent)
    person = ContactData(1, "Bob", (BOB, ANN))
    exported = {name: rows async for name, rows in export_tables.tables(db, person)}
    assert [row["email"] for row in exported["suppressed_addresses"]] == ["bob@example.org", ANN]

    told: dict[str, int] = {}
    for _ in range(2):
        await erasure_steps.suppressed(db, person, lambda name, count: told.update({name: told.get(name, 0) + count}))
    assert told == {"suppressed addresses": 2}
    async with db.connection() as conn:
        [left] = await conn.fetch_all("SELECT email, detail, email_hash FROM suppressions")
    assert (left["email"], left["detail"], len(left["email_hash"])) == (None, "", 32)
    assert list(await found(db, BOB, ANN)) == [BOB]
    assert (await service.page(Query())).rows[0].email == ""

    keys = runtime.settings.model_copy(update={"secret_key_previous": [runtime.settings.secret_key]})
    runtime.settings = keys.model_copy(update={"secret_key": type(keys.secret_key)("k" * 40)})  # type: ignore[misc]
    assert list(await found(db, BOB)) == [BOB], "the earlier key still knows it"
