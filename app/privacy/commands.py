"""`myportal privacy`: export and erase a contact, delete what is old, bring what is stored down to the settings."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import click

from app.commands import run
from app.contacts import repository as contacts
from app.plugin_privacy import PluginFailed
from app.privacy import erasure, nightly
from app.privacy.export import Export, export_contact
from app.privacy.models import Erasure
from app.runtime import Runtime


@click.group("privacy")
def privacy_commands() -> None:
    """Export and erase people's data; delete what is old."""


@privacy_commands.command("export")
@click.argument("email")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The zip to write.")
def export_command(email: str, output: Path) -> None:
    """Write everything about a contact into a zip: JSON, CSV and files."""

    async def work(runtime: Runtime) -> Export:
        found = await export_contact(await _contact_id(runtime, email), by=None)
        try:
            await asyncio.to_thread(_write, found, output)
        finally:
            found.close()
        return found

    found = run(work)
    click.echo(f"{output}: {sum(found.counts.values()):,} rows.")
    if found.problems:
        raise click.ClickException("the export is not complete: " + "; ".join(found.problems))


@privacy_commands.command("erase")
@click.argument("email")
@click.option("--keep-ours", is_flag=True, help="Keep our replies and notes, and the subjects of tickets.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_command(email: str, keep_ours: bool, yes: bool) -> None:
    """Erase a contact for good; run it again to go on with what could not be done."""

    async def work(runtime: Runtime) -> Erasure:
        contact_id = await _contact_id(runtime, email)
        if not yes:
            await asyncio.to_thread(
                click.confirm, f"Erase contact {contact_id} ({email})? This cannot be undone", abort=True
            )
        asked = await erasure.request(contact_id, by=None, keeps_ours=keep_ours)
        await erasure.try_again(asked.id)
        await erasure.run_due(runtime, erasure_id=asked.id)
        return await erasure.last_of(contact_id) or asked

    found = run(work)
    for part in found.parts:
        counts = ", ".join(f"{count:,} {name}" for name, count in part.counts.items()) or "nothing left to erase"
        click.echo(f"{part.state:8}{part.name}: {part.words or counts}")
    if found.finished_at is None:
        raise click.ClickException(
            f"not all is erased yet; the worker goes on, or run: myportal privacy resume {found.id}"
        )


@privacy_commands.command("resume")
@click.argument("number", type=int)
def resume_command(number: int) -> None:
    """Go on with an erasure, by its number on Admin → Privacy."""

    async def work(runtime: Runtime) -> list[Erasure]:
        await erasure.try_again(number)
        await erasure.run_due(runtime, erasure_id=number)
        return await erasure.unfinished()

    left = next((one for one in run(work) if one.id == number), None)
    if left is not None:
        raise click.ClickException(
            "; ".join(f"{part.name}: {part.words or part.state}" for part in left.parts if part.state != "done")
        )
    click.echo(f"Erasure {number} is done.")


@privacy_commands.command("purge")
def purge_command() -> None:
    """Delete now what the worker deletes each night."""

    async def work(runtime: Runtime) -> bool:
        failed = False
        for slug, found in (await nightly.purge(runtime)).items():
            counts = ", ".join(f"{count:,} {name}" for name, count in found["counts"].items()) or "nothing to do"
            click.echo(f"{slug}: {counts}")
            if found["problem"]:
                click.echo(f"{slug}: {found['problem']}", err=True)
                failed = True
        return failed

    try:
        failed = run(work)
    except nightly.Busy as error:
        raise click.ClickException(str(error)) from None
    if failed:
        sys.exit(1)


@privacy_commands.command("apply")
def apply_command() -> None:
    """Bring what is stored down to what the modules' settings say now, such as how much of an address is kept."""

    async def work(runtime: Runtime) -> None:
        for slug in runtime.plugins.answering("apply_privacy"):
            counts = await nightly.apply(runtime, slug)
            words = ", ".join(f"{count:,} {name}" for name, count in counts.items())
            click.echo(f"{slug}: {words or 'nothing to change'}")

    try:
        run(work)
    except PluginFailed as error:
        raise click.ClickException(str(error)) from None


async def _contact_id(runtime: Runtime, email: str) -> int:
    async with runtime.database.connection() as conn:
        found = await contacts.contact_of_address(conn, email.strip())
    if found is None:
        raise click.ClickException(f"no contact has the address {email!r}; look for it under Contacts")
    return found


def _write(found: Export, output: Path) -> None:
    try:
        with output.open("xb") as target:
            shutil.copyfileobj(found.file, target)
    except FileExistsError:
        raise click.ClickException(f"{output} exists already; name another file") from None
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
    output.chmod(0o600)
