"""What `myportal doctor` says of mail that comes in."""

from __future__ import annotations

from datetime import timedelta

from app.database import DatabaseUnavailable, utcnow
from app.hookspecs import CheckResult
from app.inbound import mailbox_repository, repository
from app.runtime import Runtime

WAITS_AT_MOST = timedelta(minutes=5)
SILENT_AT_MOST = timedelta(minutes=10)
"""How long ago a mailbox may have been looked at; the worker looks at each every minute or as its server tells."""


async def examine(runtime: Runtime) -> list[CheckResult]:
    """How the mailboxes stand, and whether mail waits; nothing while the database is away, which another step tells."""
    try:
        async with runtime.database.connection() as conn:
            counts = await repository.counts(conn)
            oldest = await repository.oldest_new(conn)
            mailboxes = await mailbox_repository.mailboxes(conn)
    except DatabaseUnavailable:
        return []
    now = utcnow()
    results = []
    for mailbox in mailboxes:
        name = f"Mailbox {mailbox.address}"
        if not mailbox.fetches:
            results.append(CheckResult(name, True, "gets its mail by pipe or LMTP"))
        elif mailbox.last_error:
            results.append(CheckResult(name, False, mailbox.last_error))
        elif mailbox.last_look_at is None or now - mailbox.last_look_at > SILENT_AT_MOST:
            results.append(CheckResult(name, False, "is not looked at: does `myportal worker` run?"))
        else:
            results.append(CheckResult(name, True, "is looked at"))
    waiting, held = counts.get("new", 0), counts.get("quarantined", 0)
    words = f"{waiting:,} {'waits' if waiting == 1 else 'wait'}, {held:,} in quarantine"
    is_late = oldest is not None and now - oldest > WAITS_AT_MOST
    if is_late:
        words += f", the oldest since {oldest:%Y-%m-%d %H:%M} UTC: does `myportal worker` run?"
    elif held:
        words += "; see Admin → Inbound mail"
    return [*results, CheckResult("Inbound mail", not is_late, words)]
