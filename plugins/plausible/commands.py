"""The module's own commands: `myportal networks update` and `myportal networks show`."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

import click

from app.settings import ConfigurationError, load_settings
from plugins.plausible.networks import Entry, NetworksError
from plugins.plausible.networks_build import Change, build, changes
from plugins.plausible.networks_file import LOOK_EVERY, NetworksFile, own_path, write
from plugins.plausible.networks_sources import SourceFile

LARGEST_SOURCE = 100_000_000
"""Bytes; the largest list that is published, Apple's, has a seventh of it."""


def commands() -> Sequence[click.Command]:
    """What the module adds to `myportal`."""
    return [networks]


@click.group("networks")
def networks() -> None:
    """The networks by which machines are told from people (Plausible module)."""


@networks.command("update")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--checked",
    multiple=True,
    metavar="CLASS[.VENDOR]",
    help="Lines that you looked through and found right, such as gateway.mimecast: they count as of today. "
    "For vendors that publish no list.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
def update(files: tuple[Path, ...], checked: tuple[str, ...], dry_run: bool) -> None:
    """Rebuild the list of networks from downloaded FILES.

    Understood are Apple's egress-ip-ranges.csv, the JSON files of Google, Amazon, Azure and Microsoft 365, the text
    files of lord-alfred/ipranges (in folders of their names), plain lists named like gateway.mimecast.txt, and files
    like the list itself. What no file replaces stays. The result is this host's own copy; it goes before the shipped
    list, and a running portal takes it up within a minute.
    """
    if not files and not checked:
        raise click.UsageError("name the files you downloaded, or --checked with the lines that you looked through")
    today = datetime.now(UTC).date()
    in_force = _in_force()
    before = in_force.current().entries
    if in_force.problem:
        raise click.ClickException(in_force.problem)
    try:
        built = build([_read(path, today) for path in files], base=before, checked=checked, today=today)
    except NetworksError as error:
        raise click.ClickException(f"{error}. Nothing was changed.") from None
    _show_changes(changes(before, built.entries))
    for kind, count in built.left_out.items():
        click.echo(f"The {count:,} smallest networks of class {kind} are left out, so that the file stays below 10 kB.")
    _show_age(built.entries)
    if dry_run:
        click.echo("Nothing was written (--dry-run).")
        return
    try:
        write(in_force.own, built.text)
    except OSError as error:
        raise click.ClickException(
            f"{in_force.own} cannot be written: {error.strerror}. Nothing was changed."
        ) from None
    click.echo(f"Written: {in_force.own} ({len(built.text.encode()):,} bytes).")
    click.echo(
        f"A running portal on this host takes it up within {LOOK_EVERY:.0f} seconds; copy the file to other hosts. "
        "To see what it makes of mails that were opened before, run: myportal reclassify"
    )


@networks.command("show")
def show() -> None:
    """Show which list of networks counts on this host, and how old it is."""
    in_force = _in_force()
    entries = in_force.current().entries
    if in_force.problem:
        click.echo(f"Warning: {in_force.problem}.", err=True)
    whose = "this host's own copy" if in_force.path == in_force.own else "shipped"
    click.echo(f"{in_force.path} ({whose}, {in_force.path.stat().st_size:,} bytes)")
    click.echo(f"{'class':<12} {'vendor':<12} {'networks':>8}  oldest")
    ordered = sorted(entries, key=lambda entry: (entry.kind, entry.vendor))
    for (kind, vendor), found in groupby(ordered, key=lambda entry: (entry.kind, entry.vendor)):
        group = list(found)
        click.echo(f"{kind:<12} {vendor:<12} {len(group):>8,}  {min(entry.day for entry in group)}")
    _show_age(entries)


def _in_force() -> NetworksFile:
    try:
        return NetworksFile(own_path(load_settings()))
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None


def _read(path: Path, today: date) -> SourceFile:
    """A downloaded file. Raises NetworksError that names it, and the line where it stops being text."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise NetworksError(f"{path} is no file; name the lists themselves")
        if found.st_size > LARGEST_SOURCE:
            raise NetworksError(f"{path} is larger than {LARGEST_SOURCE // 1_000_000} MB, so it is no list of networks")
        content = path.read_bytes()
    except OSError as error:
        raise NetworksError(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NetworksError(f"{path}, line {line}: not UTF-8 text; unpack it first if it is compressed") from None
    return SourceFile(str(path), text, min(datetime.fromtimestamp(found.st_mtime, UTC).date(), today))


def _show_changes(found: Sequence[Change]) -> None:
    click.echo(f"{'class':<12} {'before':>7} {'now':>7} {'added':>7} {'removed':>7}")
    for one in found:
        click.echo(f"{one.kind:<12} {one.before:>7,} {one.after:>7,} {one.added:>7,} {one.removed:>7,}")


def _show_age(entries: Sequence[Entry]) -> None:
    oldest = min(entries, key=lambda entry: entry.day)
    click.echo(f"The oldest lines are of {oldest.day} ({oldest.kind}.{oldest.vendor}); 12 months later, doctor warns.")
