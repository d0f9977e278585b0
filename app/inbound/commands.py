"""`myportal receive` and `myportal lmtp`: mail from a mail server on this machine."""

from __future__ import annotations

import asyncio
import signal
import sys

import click
import structlog

from app import log
from app.commands import run
from app.inbound import mailboxes, store
from app.inbound.errors import MailRefused
from app.inbound.lmtp import Listener
from app.runtime import Runtime
from app.settings import load_settings

EX_OK, EX_DATAERR, EX_TEMPFAIL = 0, 65, 75
"""sysexits.h; a mail server tries again after 75 and returns the mail after 65."""


@click.command("receive")
@click.option("--recipient", default="", help="Address that the mail was for, from the envelope.")
def receive_command(recipient: str) -> None:
    """Take one mail from standard input.

    Exit code 0: it is stored. 75: it is not, try again later. 65: it is refused for good.
    """
    try:
        code, words = asyncio.run(_receive(recipient))
    except Exception as error:
        # Whatever is wrong here, the mail server must keep the mail.
        code, words = EX_TEMPFAIL, f"{type(error).__name__}: {error}"
    if words:
        click.echo(f"myportal receive: {words}", err=True)
    sys.exit(code)


async def _receive(recipient: str) -> tuple[int, str]:
    log.to_standard_error()
    settings = load_settings()
    runtime = Runtime.build(settings, plugins={}, pool_size=1)
    try:
        raw = sys.stdin.buffer.read(settings.inbound_max_bytes + 1)
        box = await mailboxes.of_recipient(runtime, recipient)
        await store.receive(runtime, raw, source="pipe", mailbox_id=box, recipient=recipient)
    except MailRefused as error:
        return EX_DATAERR, str(error)
    finally:
        await runtime.close()
    return EX_OK, ""


@click.command("lmtp")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=2424, show_default=True)
@click.option("--smtp", is_flag=True, help="Speak SMTP, for a mail server that cannot speak LMTP.")
def lmtp_command(host: str, port: int, smtp: bool) -> None:
    """Take mail from a local mail server by LMTP."""

    async def work(runtime: Runtime) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with Listener(runtime, host=host, port=port, smtp=smtp) as listener:
            structlog.get_logger(__name__).info("mail listener started", host=host, port=listener.port)
            await stop.wait()

    run(work)
