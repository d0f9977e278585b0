"""How the module stands: what its settings and the portal's own database say, without asking anybody else."""

from __future__ import annotations

from datetime import timedelta

from app.database import Database, DatabaseUnavailable, utcnow
from app.hookspecs import CheckResult
from app.services.web import ago
from app.settings import Settings
from plugins.plausible import repository
from plugins.plausible.recording import statements
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.account import account
from plugins.plausible.sync.clock import length
from plugins.plausible.sync.outcome import Outcome

SILENT = 20
"""Tracked copies that can hardly go out without one being opened, by a person or a machine."""
PATIENCE = timedelta(hours=1)
"""How long a copy may lie in a mailbox before its silence says anything."""
CLOCKS = timedelta(seconds=5)
"""How far the clocks of this host and of the database server may be apart: badges compare times of both."""


def mail_server(settings: Settings) -> CheckResult:
    """Whether there is one."""
    if settings.smtp_host is None:
        return CheckResult("Mail server", False, "SMTP_HOST is not set; replies wait in the outbox until it is")
    return CheckResult("Mail server", True, f"{settings.smtp_host}:{settings.smtp_port}")


def tracking(module: PlausibleSettings) -> CheckResult:
    """Whether anything is recorded."""
    found = notice(module)
    if found is None:
        return CheckResult("Tracking", False, "opens and clicks are both off; turn one on, or the module off")
    return CheckResult("Tracking", True, found)


def notice(module: PlausibleSettings) -> str | None:
    """What a tracked reply reports, in words; None for nothing."""
    return (
        " and ".join(words for on, words in ((module.track_opens, "opens"), (module.track_clicks, "links")) if on)
        or None
    )


async def sync(database: Database) -> CheckResult:
    """How far sending to Plausible has come."""
    name = "Send to Plausible"
    try:
        async with database.connection() as conn:
            found = await account(conn, now=utcnow())
    except DatabaseUnavailable as error:
        return CheckResult(name, False, str(error))
    total = found.totals
    words = f"{total[Outcome.ACCEPTED]:,} accepted, {total[Outcome.WAITING]:,} waiting"
    others = (Outcome.DROPPED, Outcome.REJECTED, Outcome.AMBIGUOUS, Outcome.TOO_OLD)
    words += "".join(f", {total[one]:,} {one.value.replace('_', ' ')}" for one in others if total[one])
    if found.problem:
        return CheckResult(name, False, f"Plausible {found.problem}. {words[0].upper()}{words[1:]}")
    if total[Outcome.DROPPED] and not total[Outcome.ACCEPTED]:
        words += ". Plausible drops all: is the site domain spelt as there, and is it not in a shield?"
        return CheckResult(name, False, words)
    if found.last_accepted_at is not None:
        words += f". Last accepted {ago(found.last_accepted_at)}"
    return CheckResult(name, True, words)


async def set_aside(database: Database) -> list[CheckResult]:
    """Whether the database refused events; no step where it did not."""
    try:
        async with database.connection() as conn:
            count = await statements.quarantined(conn)
    except DatabaseUnavailable:
        # The step before says so.
        return []
    if not count:
        return []
    words = (
        f"{count} that the database refused lie in email_tracking_quarantine, each with its error; they count nowhere. "
        "Tell the makers of the portal what the errors are, then delete the rows"
    )
    return [CheckResult("Events set aside", False, words)]


async def last_event(database: Database) -> CheckResult:
    """When something was last recorded, and whether that is odd: mails went out since, and nobody opened one."""
    now = utcnow()
    try:
        async with database.connection() as conn:
            moment = await repository.last_event_at(conn)
            silent = await repository.silent_copies(conn, since=moment, before=now - PATIENCE)
    except DatabaseUnavailable as error:
        return CheckResult("Events", False, str(error))
    if silent >= SILENT:
        since = f"since the last event, {ago(moment)}," if moment else "so far"
        words = (
            f"{silent} tracked copies went out {since} and not one was opened, by a person or a machine: something on "
            "the way to the pixel is likely broken. Test, and load the pixel of such a mail from outside"
        )
        return CheckResult("Events", False, words)
    if moment is None:
        return CheckResult("Events", True, "none yet: send a tracked reply to yourself and open it")
    words = f"last event {ago(moment)}"
    if silent:
        words += f"; {silent} tracked {'copy' if silent == 1 else 'copies'} sent since, without one"
    return CheckResult("Events", True, words)


async def database_clock(database: Database) -> str | None:
    """How far the database server's clock is from this host's, in words; '' where both agree, None where it is away."""
    try:
        async with database.connection() as conn:
            before = utcnow()
            theirs = await repository.now(conn)
            after = utcnow()
    except DatabaseUnavailable:
        return None
    off = theirs - (before + (after - before) / 2)
    if abs(off) <= CLOCKS + (after - before):
        return ""
    seconds = abs(off).total_seconds()
    span = f"{seconds:.0f} seconds" if seconds < 120 else length(off)
    side = "ahead of" if off > timedelta() else "behind"
    return (
        f"the database server's clock is {span} {side} this host's, and badges compare times of both: let NTP set the "
        "clocks of all hosts"
    )


def clock(database: str | None, plausible: str | None, *, asked: bool) -> CheckResult:
    """Whether this host's clock is right. database: as `database_clock` gives it. plausible: what its answers say, ''
    for right, None where they hold no time. asked: whether Plausible was asked at all.
    """
    problems = [words for words in (plausible and f"Plausible {plausible}", database) if words]
    if problems:
        return CheckResult("Clock", False, ". ".join(problems))
    agrees = [who for who, said in (("the database server's", database), ("Plausible's", plausible)) if said == ""]
    words = f"agrees with {' and '.join(agrees)}" if agrees else "could not be compared with any other"
    if plausible is None:
        words += "; Plausible's is not known, because " + ("no answer told a time" if asked else "it was not asked")
    return CheckResult("Clock", True, words)
