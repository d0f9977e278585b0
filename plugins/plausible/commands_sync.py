"""`myportal plausible-sync`: how sending to Plausible stands, from a shell."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

import click

from app.database import Database, utcnow
from plugins.plausible.sync import account as accounts
from plugins.plausible.sync.account import Account
from plugins.plausible.sync.outcome import Outcome

T = TypeVar("T")
WORDS = {
    Outcome.ACCEPTED: "accepted: Plausible took them",
    Outcome.DROPPED: "dropped: Plausible answered that it does not count them",
    Outcome.REJECTED: "rejected: Plausible found them wrong",
    Outcome.AMBIGUOUS: "ambiguous: no answer came, they may count; never sent again",
    Outcome.TOO_OLD: "too old: they would have counted on a wrong day",
    Outcome.NO_PERSON: "no person's: machines and ourselves, not sent",
    Outcome.REFUSED: "refused: the recipient wants no tracking",
    Outcome.ERASED: "erased with the recipient's data",
    Outcome.WAITING: "waiting",
}


class Run(Protocol):
    """Runs work on the portal's database to its end, and gives its answer."""

    def __call__(self, work: Callable[[Database], Awaitable[T]]) -> T: ...


def sync_command(run: Run) -> click.Command:
    """The commands, as one group. run: how they reach the database."""

    @click.group("plausible-sync")
    def sync() -> None:
        """Sending events to Plausible."""

    @sync.command("status")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def status_command(as_json: bool) -> None:
        """Every event by what became of it; ends with 1 while Plausible fails."""
        found = run(_account)
        click.echo(json.dumps(_plain(found)) if as_json else _words(found, utcnow()))
        if found.problem:
            raise SystemExit(1)

    @sync.command("resume")
    def resume_command() -> None:
        """Try at once, instead of after the pause that followed a failure."""
        click.echo("Plausible is tried at once." if run(_resume) else "There is no pause; nothing to do.")

    return sync


async def _account(database: Database) -> Account:
    async with database.connection() as conn:
        return await accounts.account(conn, now=utcnow())


async def _resume(database: Database) -> bool:
    return await database.run(accounts.resume)


def _words(found: Account, now: datetime) -> str:
    lines = [f"{found.totals[outcome]:>12,}  {words}" for outcome, words in WORDS.items() if found.totals[outcome]]
    if not lines:
        return "No event was given to the sync yet."
    if found.machines_waiting:
        lines[-1] += f", {found.machines_waiting:,} of them machines'"
    if found.oldest_waiting is not None:
        lines.append(f"The oldest that waits is of {found.oldest_waiting:%Y-%m-%d %H:%M} UTC.")
    lines.append(f"{found.pace:,} were done with in the last whole minute.")
    if found.last_accepted_at is not None:
        lines.append(f"The last one was accepted at {found.last_accepted_at:%Y-%m-%d %H:%M:%S} UTC.")
    if found.problem:
        since = f" (since {found.problem_at:%Y-%m-%d %H:%M:%S} UTC)" if found.problem_at else ""
        lines.append(f"Plausible {found.problem}{since}.")
    if found.paused_until is not None and found.paused_until > now:
        lines.append(
            f"It is tried again at {found.paused_until:%H:%M:%S} UTC; `myportal plausible-sync resume` at once."
        )
    reasons = {line.outcome: line for line in reversed(found.days) if line.words}
    lines += [f"Last {line.outcome.value.replace('_', ' ')}: {line.words}." for line in reasons.values()]
    return "\n".join(lines)


def _plain(found: Account) -> dict[str, Any]:
    def moment(at: datetime | None) -> str | None:
        return at.isoformat() if at is not None else None

    return {
        "totals": {outcome.value: found.totals[outcome] for outcome in Outcome},
        "machines_waiting": found.machines_waiting,
        "oldest_waiting": moment(found.oldest_waiting),
        "pace": found.pace,
        "last_accepted_at": moment(found.last_accepted_at),
        "paused_until": moment(found.paused_until),
        "problem": found.problem or None,
        "problem_at": moment(found.problem_at),
    }
