"""`myportal reports`: count anew what the reports show."""

from __future__ import annotations

import time
from datetime import datetime

import click

from app.commands import run
from app.plugin_privacy import PluginFailed
from app.reports.rebuild import rebuild
from app.runtime import Runtime

SAID_EVERY = 10.0
"""Seconds between two lines that say how far it is."""


@click.group("reports")
def reports_commands() -> None:
    """Count anew what the reports show."""


@reports_commands.command("rebuild")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="The first day (UTC); all days without it.")
def rebuild_command(since: datetime | None) -> None:
    """Count all replies anew from the mails and events themselves, while everything goes on.

    Says of each day how many figures were wrong. Figures by link and mail program stay as they are on days of which
    single events were deleted. One that is cut short is ended by the worker.
    """

    async def work(runtime: Runtime) -> tuple[int, int]:
        days, wrong, copies, said = 0, 0, 0, time.monotonic()
        async for one in rebuild(runtime.database, runtime.plugins, since=since.date() if since else None):
            days, wrong, copies = days + 1, wrong + one.corrected, copies + one.copies
            if one.corrected:
                kept = "" if one.links_known else "; links and programs stay, because single events are gone"
                click.echo(f"{one.day}: {one.copies:,} mails, {one.corrected:,} figures corrected{kept}.")
            if time.monotonic() - said >= SAID_EVERY:
                said = time.monotonic()
                click.echo(f"{one.day}: {days:,} days, {copies:,} mails so far, {wrong:,} figures corrected.", err=True)
        return days, wrong

    try:
        days, wrong = run(work)
    except PluginFailed as error:
        raise click.ClickException(f"{error}; nothing was changed of the days that are left, run it again") from None
    click.echo(f"{days:,} days counted, {wrong:,} figures corrected.")
