"""The `myportal` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from app.accounts import rules
from app.accounts import service as accounts
from app.commands import PortalCommands, run
from app.commands import settings as portal_settings
from app.database import DatabaseUnavailable
from app.inbound.commands import lmtp_command, receive_command
from app.log import configure
from app.migrations import MigrationError, all_migrations, migrate
from app.privacy.commands import privacy_commands
from app.reports.commands import reports_commands
from app.runtime import Runtime
from app.settings import ConfigurationError


@click.group(cls=PortalCommands)
@click.version_option(package_name="myportal")
def main() -> None:
    """MyPortal: a helpdesk whose read badge can be believed."""


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database up to date and register the modules."""

    async def work(runtime: Runtime) -> list[str]:
        applied = await migrate(runtime.database, all_migrations(runtime.plugins.migration_folders()))
        await runtime.register_modules()
        return applied

    applied = run(work, check_schema=False)
    click.echo(f"{len(applied)} migration(s) applied." if applied else "The database is up to date.")


@main.command("create-user")
@click.argument("email")
@click.option("--role", type=click.Choice(accounts.ROLES), required=True)
@click.option("--name", default="", help="Shown to customers; the address's first part where not given.")
@click.option(
    "--department",
    "departments",
    multiple=True,
    help="Name of a department the agent is limited to; give it again for another one. Without it they see all.",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
def create_user(email: str, role: str, name: str, departments: tuple[str, ...], password_stdin: bool) -> None:
    """Add an admin or agent."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise click.ClickException("standard input is empty; write the password into it, one line")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    run(lambda _: accounts.create_user(email=email, name=name, role=role, password=password, departments=departments))
    if rules.is_guessed_first(password, about=(email, name)):
        click.echo("Warning: this password is among those that are guessed first; change it soon.", err=True)
    click.echo(f"{email} can log in now ({role}).")


@main.command("create-token")
@click.argument("email")
@click.option("--name", default="", help="What the token is for.")
def create_token(email: str, name: str) -> None:
    """Print a new API token of a user; it is shown this once."""
    click.echo(run(lambda _: accounts.create_api_token(email, name=name)))


@main.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Web processes.")
@click.option(
    "--uds", type=click.Path(path_type=Path), help="Listen on a unix socket at this path instead of host and port."
)
def serve_command(host: str, port: int, workers: int, uds: Path | None) -> None:
    """Run the web process."""
    from app.server import serve

    run(_nothing)
    try:
        serve(host=host, port=port, workers=workers, uds=uds)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None


@main.command("web-worker", hidden=True)
@click.option("--fd", type=int, required=True)
@click.option("--line", type=int, required=True)
def web_worker_command(fd: int, line: int) -> None:
    """Answer on a socket that is bound; `serve` starts these."""
    from app.server import serve_one

    serve_one(fd, line)


async def _nothing(_runtime: Runtime) -> None:
    """For `run`: only check settings, database and schema, with one clear message where they do not hold."""


@main.command("worker")
def worker_command() -> None:
    """Deliver mail and run the background jobs."""
    from app.worker import run_until_signal

    run(run_until_signal)


@main.command("up")
@click.option("--demo", is_flag=True, help="Sample tickets, demo logins and a mailbox that catches all mail.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--smtp-port", type=click.IntRange(1, 65535), default=8025, show_default=True, help="Demo mail server.")
@click.option("--mailbox-port", type=click.IntRange(1, 65535), default=8026, show_default=True, help="Demo mailbox.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Web processes.")
def up_command(demo: bool, host: str, port: int, smtp_port: int, mailbox_port: int, workers: int) -> None:
    """Run everything on this machine: database, web process, worker."""
    from app.demo import data
    from app.up import Ports, up

    settings = portal_settings()
    if "LOG_LEVEL" not in os.environ:
        configure(settings.model_copy(update={"log_level": "warning"}))
    try:
        up(
            demo=demo,
            ports=Ports(host, port, smtp_port, mailbox_port),
            workers=workers,
            seed=data.seed if demo else None,
            after_start=data.let_customers_read if demo else None,
        )
    except (ConfigurationError, DatabaseUnavailable, MigrationError) as error:
        raise click.ClickException(str(error)) from None


@main.command("mailbox", hidden=True)
@click.option("--smtp-port", type=int, required=True)
@click.option("--port", type=int, required=True)
def mailbox_command(smtp_port: int, port: int) -> None:
    """Run the demo mailbox; `up --demo` does."""
    from app.demo import mailbox
    from app.server.worker import leave

    run(lambda runtime: mailbox.run(runtime, smtp_port=smtp_port, port=port))
    leave()


main.add_command(privacy_commands)
main.add_command(reports_commands)
main.add_command(receive_command)
main.add_command(lmtp_command)


@main.command("doctor")
def doctor_command() -> None:
    """Check this installation: database, schema, settings, mail server, modules."""
    from app.doctor import examine

    results = run(examine, check_schema=False)
    for result in results:
        click.echo(f"{'ok  ' if result.ok else 'FAIL'}  {result.name}: {result.message}")
    if not all(result.ok for result in results):
        raise SystemExit(1)
