"""`myportal quarantine`: look at the events that were set aside, put them back, let them go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import click

from app.database import Database
from plugins.plausible.recording import set_aside

T = TypeVar("T")

WORDS = {
    "stored": "stored",
    "duplicate": "there already",
    "unknown": "of no tracked copy, still set aside",
    "quarantined": "refused once more, still set aside",
}


class Run(Protocol):
    """Runs work on the portal's database to its end, and gives its answer."""

    def __call__(self, work: Callable[[Database], Awaitable[T]]) -> T: ...


def quarantine_command(run: Run) -> click.Command:
    """The commands, as one group. run: how they reach the database."""

    @click.group("quarantine")
    def quarantine() -> None:
        """Events that the database refused and that were set aside."""

    @quarantine.command("list")
    @click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
    def list_command(most: int) -> None:
        """Show them: number, time, kind, and why; the oldest first."""
        found, total = run(lambda database: _listed(database, most))
        for one in found:
            click.echo(f"{one.number:>8}  {one.at:%Y-%m-%d %H:%M:%S}  {one.kind or 'no event':<8}  {one.error}")
        if total > len(found):
            click.echo(f"{total - len(found):,} more are not shown; see --most.")
        elif not found:
            click.echo("No events are set aside.")

    @quarantine.command("retry")
    @click.argument("numbers", type=int, nargs=-1)
    @click.option("--all", "everything", is_flag=True, help="All of them.")
    def retry_command(numbers: Sequence[int], everything: bool) -> None:
        """Put them back into the records; each counts once. What fails again stays, with its new reason."""
        chosen = _chosen(numbers, everything=everything)
        outcomes = run(lambda database: set_aside.retry(database, chosen))
        for outcome, words in WORDS.items():
            if outcomes[outcome]:
                click.echo(f"{outcomes[outcome]:,} {words}.")
        if not outcomes:
            click.echo("None of these is set aside." if numbers else "No events are set aside.")
        if outcomes["unknown"] or outcomes["quarantined"]:
            raise SystemExit(1)

    @quarantine.command("drop")
    @click.argument("numbers", type=int, nargs=-1)
    @click.option("--all", "everything", is_flag=True, help="All of them.")
    def drop_command(numbers: Sequence[int], everything: bool) -> None:
        """Delete them for good; they count nowhere."""
        chosen = _chosen(numbers, everything=everything)
        click.echo(f"{run(lambda database: set_aside.drop(database, chosen)):,} deleted.")

    return quarantine


async def _listed(database: Database, most: int) -> tuple[Sequence[set_aside.SetAside], int]:
    return await set_aside.listed(database, most=most), await set_aside.count(database)


def _chosen(numbers: Sequence[int], *, everything: bool) -> Sequence[int] | None:
    if bool(numbers) == everything:
        raise click.UsageError("name numbers as `myportal quarantine list` shows them, or give --all")
    return None if everything else numbers
