"""The mail that carries a one-time link."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import structlog
from markupsafe import escape

from app.accounts.models import OneTimeLink, User
from app.runtime import current
from app.services import email

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Mailed:
    """Whether the link was mailed, in words for the admin who made it."""

    sent: bool
    words: str


async def send_link(link: OneTimeLink, *, by: User) -> Mailed:
    """Put a mail with the link into the outbox, where a mail server is set; a failure costs the mail, not the link.

    The worker sends it, so that the admin, who needs the link, does not wait for a mail server.
    """
    runtime = current()
    if not runtime.settings.smtp_host:
        return Mailed(False, "It was not mailed, because SMTP_HOST is not set. Hand it over yourself.")

    subject, sentence = _words(link, by)
    expires = link.expires_at.strftime("%-d %B %Y, %H:%M UTC")
    html = (
        f"<p>Hello {escape(link.user.name)},</p><p>{escape(sentence)}</p>"
        f'<p><a href="{escape(link.url)}">{escape(link.url)}</a></p>'
        f"<p>The link works once and until {expires}. If you did not expect it, ignore this mail.</p>"
    )
    try:
        to = email.parse_address(link.user.email)
        mail = email.NewMail(subject=subject, to=(to,), html_body=html, sensitive=True)
        queued = await runtime.database.run(partial(email.enqueue, mail=mail))
    except email.EmailRefused as error:
        log.warning("one-time link not mailed", user_id=link.user.id, error=str(error))
        return Mailed(False, f"It could not be mailed: {error}. Hand it over yourself.")
    await email.announce(queued)
    return Mailed(True, f"A mail with it is on its way to {link.user.email}.")


def _words(link: OneTimeLink, by: User) -> tuple[str, str]:
    if link.purpose == "invite":
        return "Your invitation to MyPortal", f"{by.name} invites you to MyPortal. Choose your password here:"
    return "A new password for MyPortal", f"{by.name} made this link, so that you can choose a new password:"
