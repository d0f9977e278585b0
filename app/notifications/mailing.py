"""Mails what users want by mail too; the worker's job.

A notification is marked in the transaction that puts its mail into the outbox: whatever breaks, it is mailed once.
"""

from __future__ import annotations

import structlog

from app.database import Connection
from app.email.addresses import parse_address
from app.email.errors import EmailRefused
from app.email.models import NewMail
from app.email.outbox import announce, enqueue
from app.hookspecs import QueuedMail
from app.notifications import repository, rules
from app.notifications.models import Notification
from app.richtext import text_to_html_async
from app.runtime import Runtime

log = structlog.get_logger(__name__)

BATCH = 20


async def mail_due(runtime: Runtime) -> int:
    """Put the mails of all notifications that wait for one into the outbox; how many there were."""
    total = 0
    while True:
        taken, mails = await runtime.database.run(lambda conn: _some(conn, runtime.settings.portal_url))
        for mail in mails:
            await announce(mail)
        total += len(mails)
        if taken < BATCH:
            return total


async def _some(conn: Connection, portal_url: str | None) -> tuple[int, list[QueuedMail]]:
    ids = await repository.lock_to_mail(conn, limit=BATCH)
    if not ids:
        return 0, []
    mails: list[QueuedMail] = []
    mailed: list[int] = []
    for notification, address in await repository.to_mail(conn, ids):
        try:
            mails.append(await enqueue(conn, await _mail(notification, address, portal_url)))
        except EmailRefused as error:
            # Before anything of it was stored. It stays on the page of notifications.
            log.warning("a notification cannot be mailed", notification=notification.id, error=type(error).__name__)
            continue
        mailed.append(notification.id)
    if mailed:
        await repository.set_emailed(conn, mailed)
    if left := [one for one in ids if one not in mailed]:
        await repository.give_up(conn, left)
    return len(ids), mails


async def _mail(notification: Notification, address: str, portal_url: str | None) -> NewMail:
    text = rules.mail_text(
        notification.words,
        kind=notification.kind,
        detail=notification.detail,
        url=f"{portal_url}{notification.path}" if portal_url else None,
        profile=f"{portal_url}/profile#notifications" if portal_url else None,
    )
    return NewMail(
        subject=rules.mail_subject(notification.words),
        to=(parse_address(address),),
        html_body=await text_to_html_async(text),
        text_body=text,
        auto_submitted="auto-generated",
        metadata={"notification": notification.id},
    )
