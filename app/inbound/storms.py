"""A cap on mails per sender and hour, so that two programs cannot answer each other for ever; admins are told."""

from __future__ import annotations

from app.accounts import repository as accounts
from app.database import Connection
from app.email import service as email
from app.email.addresses import Address, make_address
from app.email.errors import EmailRefused
from app.email.models import NewMail
from app.hookspecs import QueuedMail
from app.inbound import repository
from app.inbound.models import NOT_WRITTEN, REPORTS, ParsedMail
from app.richtext import text_to_html
from app.runtime import Runtime
from app.suppressions import service as suppressions


async def check(runtime: Runtime, mail: ParsedMail, sender: str) -> str:
    """Count a mail; '' where it may go on, else the reason why it waits for an admin. Admins are told once an hour."""
    # Many mails of ours can bounce at once, and nothing answers a report.
    automatic = mail.kind in NOT_WRITTEN - REPORTS
    settings = runtime.settings

    async def work(conn: Connection) -> tuple[str, QueuedMail | None]:
        mails, of_programs, told = await repository.count_sender(conn, sender, automatic=automatic)
        if mails > settings.inbound_per_sender_hour:
            cap = f"{settings.inbound_per_sender_hour} mails (INBOUND_PER_SENDER_HOUR)"
        elif automatic and of_programs > settings.inbound_automatic_per_hour:
            cap = f"{settings.inbound_automatic_per_hour} automatic mails (INBOUND_AUTOMATIC_PER_HOUR)"
        else:
            return "", None
        queued = None
        if not told:
            await repository.set_told(conn, sender)
            queued = await _tell(conn, runtime, sender, cap)
        return (
            f"More than {cap} from {sender} within an hour: held back, in case two programs answer each other.",
            queued,
        )

    reason, queued = await runtime.database.run(work)
    if queued is not None:
        await email.announce(queued)
    return reason


async def _tell(conn: Connection, runtime: Runtime, sender: str, cap: str) -> QueuedMail | None:
    users = await accounts.list_users(conn, include_disabled=False)
    suppressed = await suppressions.find(conn, [user.email for user in users if user.is_admin])
    admins = tuple(_address(user.name, user.email) for user in users if user.is_admin and user.email not in suppressed)
    if not admins:
        return None
    where = f"{runtime.settings.portal_url or ''}/admin/inbound"
    words = (
        f"More than {cap} came from {sender} within an hour. Further ones of this hour are held back: they are stored, "
        f"become no messages, and nothing answers them.\n\nLook at them, and let them go on, here: {where}"
    )
    return await email.enqueue(
        conn,
        NewMail(
            subject=f"Mail from {sender[:150]} is held back",
            to=admins,
            html_body=text_to_html(words),
            text_body=words,
            auto_submitted="auto-generated",
        ),
    )


def _address(name: str, address: str) -> Address:
    try:
        return make_address(name, address)
    except EmailRefused:
        return make_address("", address)
