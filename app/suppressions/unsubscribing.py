"""Who wants no announcements, by the link in one of them: lines of the same list as all others.

A decision counts for the address and, where it is known whose that is, for all addresses of its owner.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.database import Connection, utcnow
from app.runtime import current
from app.sql import in_list
from app.suppressions import repository, rules
from app.suppressions.models import New, Scope
from app.suppressions.service import add

SCOPE: Scope = "announcements"


async def unsubscribe(
    conn: Connection, email: str, *, contact_id: int | None, mailing: str | None, detail: str = ""
) -> None:
    """Note that somebody wants no more, in the caller's transaction; the first time counts. mailing: whose link it was;
    detail: how they said it.
    """
    new = New(email, "unsubscribed", rules.LINK, utcnow(), SCOPE, detail, contact_id=contact_id, mailing=mailing)
    await add(conn, [new])


async def subscribe(conn: Connection, email: str, *, contact_id: int) -> None:
    """Take back what somebody decided. What stands against the address for another reason stays."""
    named, parameters = in_list("hash", rules.hashes(current().settings.keys, email))
    await conn.execute(
        f"""
        UPDATE suppressions SET removed_at = %(now)s, removed_by = NULL
         WHERE scope = 'announcements' AND reason = 'unsubscribed' AND removed_at IS NULL
           AND (email = %(email)s OR email_hash IN {named} OR contact_id = %(contact)s)
        """,  # noqa: S608
        {**parameters, "email": rules.normal(email), "contact": contact_id, "now": utcnow()},
    )


async def wants_none(conn: Connection, email: str, *, contact_id: int) -> bool:
    """Whether somebody gets no announcements because they, or an agent, said so."""
    hashes = {rules.normal(email): rules.hashes(current().settings.keys, email)}
    return bool(await repository.standing(conn, hashes, scopes=[SCOPE]) or await unsubscribed(conn, [contact_id]))


async def unsubscribed(conn: Connection, contact_ids: Sequence[int]) -> set[int]:
    """Those of these contacts who unsubscribed, by whichever of their addresses."""
    if not contact_ids:
        return set()
    named, parameters = in_list("contact", contact_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT s.contact_id FROM suppressions AS s
         WHERE s.contact_id IN {named} AND s.scope = 'announcements' AND s.removed_at IS NULL
        """,  # noqa: S608
        parameters,
    )
    return {int(row["contact_id"]) for row in rows}


async def count_of_mailing(conn: Connection, mailing: str) -> int:
    """How many unsubscribed by a link of a mailing, and did not come back."""
    sql = "SELECT COUNT(*) FROM suppressions AS s WHERE s.mailing = %(mailing)s AND s.removed_at IS NULL"
    return int(await conn.fetch_value(sql, {"mailing": mailing}))
