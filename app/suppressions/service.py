"""The list of suppressed addresses: asked before a mail is stored, filled by bounces and complaints, kept by people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from app import audit
from app.accounts.models import User
from app.database import Connection, utcnow
from app.email.errors import RecipientsSuppressed
from app.runtime import current
from app.spreadsheets import MARK, lines
from app.sql import in_parts
from app.suppressions import repository, rules
from app.suppressions.errors import SuppressionNotFound, SuppressionRefused
from app.suppressions.models import New, Query, Scope, Suppression, SuppressionPage
from app.tickets import access

PAGE = 50
HEAD = ("Address", "Does not get", "Why", "Told by", "Words", "Since", "Added by", "Taken off", "Taken off by")


async def find(conn: Connection, emails: Iterable[str], *, scope: Scope = "all") -> dict[str, Suppression]:
    """Which of these addresses get no mail, by the address as it was given; the others are left out.

    scope: what would be sent: 'all' asks for any mail, 'announcements' also heeds those who want none of these.
    """
    asked = {email: rules.normal(email) for email in dict.fromkeys(emails)}
    scopes = ("all",) if scope == "all" else ("all", "announcements")
    keys = current().settings.keys
    found: dict[str, Suppression] = {}
    for some in in_parts(list(dict.fromkeys(asked.values()))):
        hashes = {email: rules.hashes(keys, email) for email in some if email.isascii()}
        if hashes:
            known = await repository.standing(conn, hashes, scopes=scopes)
            # Who gets no mail at all hears that first.
            found.update({email: min(several, key=lambda one: one.scope) for email, several in known.items()})
    return {email: found[key] for email, key in asked.items() if key in found}


async def check(conn: Connection, emails: Iterable[str]) -> None:
    """Raise RecipientsSuppressed where one of these addresses gets no mail; its `words` say why, by address."""
    found = await find(conn, emails)
    if found:
        raise RecipientsSuppressed({email: rules.refusal(email, one) for email, one in found.items()})


async def add(conn: Connection, news: Sequence[New]) -> None:
    """Put addresses on the list, in the caller's transaction: of those that are on it the weightiest reason is kept and
    the first of its kind; those that were taken off come back for what happened since. Raises SuppressionRefused for
    what is no address, reason or scope.
    """
    checked = [
        replace(
            one,
            email=rules.check_address(one.email),
            scope=rules.check_scope(one.scope),
            reason=rules.check_reason(one.reason),
        )
        for one in news
    ]
    if checked:
        await repository.insert(conn, checked)


async def removals(conn: Connection, emails: Iterable[str]) -> dict[str, datetime]:
    """When addresses were last taken off the list, by the address as the list has it; the others are left out."""
    asked = [email for email in dict.fromkeys(map(rules.normal, emails)) if email.isascii()]
    return await repository.removals(conn, asked) if asked else {}


async def add_by_hand(email: str, *, scope: str, detail: str, by: User) -> Suppression:
    """Put an address on the list, and return its line. Raises SuppressionRefused."""
    address, detail = rules.check_address(email), detail.strip()
    if len(detail) > rules.LONGEST_DETAIL:
        words = f"The note has {len(detail)} characters, at most {rules.LONGEST_DETAIL} fit; shorten it."
        raise SuppressionRefused(words, "detail")
    new = New(address, "manual", "agent", utcnow(), rules.check_scope(scope), detail, by.id)

    async def work(conn: Connection) -> Suppression:
        known = await find(conn, [address], scope=new.scope)
        if address in known and known[address].scope in {"all", new.scope}:
            raise SuppressionRefused(f"{address} is on the list: {rules.why(known[address])}.", "email")
        await add(conn, [new])
        [stored] = (await find(conn, [address], scope=new.scope)).values()
        await _record(conn, "suppression.add", stored, by=by)
        return stored

    return await current().database.run(work)


async def remove(number: int, *, by: User) -> Suppression:
    """Take a line off: its address gets mail again. Raises SuppressionNotFound."""
    return await _change(number, by=by, put_back=False)


async def restore(number: int, *, by: User) -> Suppression:
    """Put a line back that was taken off. Raises SuppressionNotFound."""
    return await _change(number, by=by, put_back=True)


async def within_reach(conn: Connection, one: Suppression) -> bool:
    """Whether the viewer may open a line: who is limited to departments, those of contacts that they see. Numbers can
    be counted, and an address tells who writes to the other departments.
    """
    if not access.is_limited():
        return True
    owner = await repository.owner(conn, one.email)
    return owner is not None and await access.sees_contact(conn, owner)


async def line(number: int) -> Suppression:
    """One line, also one that was taken off. Raises SuppressionNotFound."""
    async with current().database.connection() as conn:
        return await _line(conn, number)


async def page(query: Query, *, before: int = 0, after: int = 0) -> SuppressionPage:
    """A stretch of the list."""
    async with current().database.connection() as conn:
        found = await repository.page(conn, query, before=before, after=after, limit=PAGE + 1)
        total = await repository.count(conn, query)
    more = len(found) > PAGE
    found = found[-PAGE:] if after else found[:PAGE]
    has_newer, has_older = (more, bool(found)) if after else (bool(before), more)
    return SuppressionPage(
        tuple(found),
        total,
        newer=found[0].id if found and has_newer else 0,
        older=found[-1].id if found and has_older else 0,
    )


async def of_addresses(emails: Sequence[str]) -> dict[str, Suppression]:
    """What stands against a contact's addresses."""
    async with current().database.connection() as conn:
        return await find(conn, emails, scope="announcements")


async def csv(query: Query) -> AsyncIterator[bytes]:
    """All lines that a query finds as a CSV file, in pieces; whatever comes or goes meanwhile, no line comes twice."""
    yield MARK + lines([HEAD])
    before = 0
    while True:
        async with current().database.connection() as conn:
            found = await repository.page(conn, query, before=before, limit=500)
        if found:
            yield lines(_cells(one) for one in found)
        if len(found) < 500:
            return
        before = found[-1].id


def _cells(one: Suppression) -> tuple[str, ...]:
    return (
        one.email or "(erased)",
        rules.SCOPES[one.scope],
        rules.REASONS[one.reason],
        rules.SOURCES.get(one.source, one.source),
        one.detail,
        one.since.isoformat(" ", "seconds"),
        one.added_by,
        one.removed_at.isoformat(" ", "seconds") if one.removed_at else "",
        one.removed_by,
    )


async def _change(number: int, *, by: User, put_back: bool) -> Suppression:
    async def work(conn: Connection) -> Suppression:
        found = await _line(conn, number, lock=True)
        if put_back:
            changed = await repository.restore(conn, number)
        else:
            changed = await repository.set_removed(conn, number, user_id=by.id)
        if changed:
            action = "suppression.restore" if put_back else "suppression.remove"
            await _record(conn, action, found, by=by)
        return found

    return await current().database.run(work)


async def _line(conn: Connection, number: int, *, lock: bool = False) -> Suppression:
    found = await repository.line(conn, number, lock=lock)
    if found is None or not await within_reach(conn, found):
        raise SuppressionNotFound(f"There is no line {number} in the list of suppressed addresses.")
    return found


async def _record(conn: Connection, action: str, one: Suppression, *, by: User) -> None:
    """Without the address: the log outlasts an erasure."""
    detail = {"does not get": rules.SCOPES[one.scope], "why": rules.REASONS[one.reason]}
    await audit.record(conn, user_id=by.id, action=action, subject=f"suppression:{one.id}", detail=detail)
