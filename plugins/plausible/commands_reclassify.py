"""`myportal reclassify`: who opened what, said anew by the rules of today."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import click

from app.database import Database
from app.services import cli
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.rejudge import Progress, how_many, reclassify

PAUSE = 0.5
"""Seconds between two lines of progress."""


def reclassify_command(handles: Callable[[], tuple[Database, Surroundings]]) -> click.Command:
    """The command. handles: asked once the portal runs."""

    @click.command("reclassify")
    @click.option(
        "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Only mails asked for since (UTC)."
    )
    @click.option("--afresh", is_flag=True, help="Begin anew instead of going on where a run was cut short.")
    def command(since: datetime | None, afresh: bool) -> None:
        """Classify all opens and clicks again, and bring the badges up to date.

        Recording goes on meanwhile. A run that is cut short goes on where it was.
        """
        click.echo(cli.run(lambda: _run(handles, since, afresh)))

    return command


async def _run(handles: Callable[[], tuple[Database, Surroundings]], since: datetime | None, afresh: bool) -> str:
    database, around = handles()
    moment = since.replace(tzinfo=UTC) if since is not None else None
    total = await how_many(database, moment)
    started, said = time.monotonic(), 0.0
    last: Progress | None = None
    async for last in reclassify(database, around, since=moment, afresh=afresh):
        if time.monotonic() - said >= PAUSE and not last.done:
            said = time.monotonic()
            _show(f"{last.copies:,} of {total:,} mails, {last.events:,} requests, {last.badges:,} badges changed")
    _show("")
    if last is None:
        return "Nothing to classify."
    words = "went on where the last run was cut short; " if last.resumed else ""
    return (
        f"{last.copies:,} mails with {last.events:,} requests classified in {time.monotonic() - started:.1f} s; "
        f"{words}{last.badges:,} badges changed. Locks were held for {last.longest * 1000:.0f} ms at most."
    )


def _show(line: str) -> None:
    """One line that is written over, for people only."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{line}", nl=False, err=True)
    elif line:
        click.echo(line, err=True)
