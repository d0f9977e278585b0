"""The mail that carries a one-time link."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from markupsafe import escape

from app.accounts.models import OneTimeLink, User
from app.runtime import current

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Mailed:
    """Whether the link was mailed, in words for the admin who made it."""

    sent: bool
    words: str


async def send_link(link: OneTimeLink, *, by: User) -> Mailed:
    """Mail a link to its user where a mail server is set; a failure costs the mail, not the link."""
    if not current().settings.smtp_host:
        return Mailed(False, "It was not mailed, because SMTP_HOST is not set. Hand it over yourself.")
    from app.services import email

    subject, sentence = _words(link, by)
    expires = link.expires_at.strftime("%-d %B %Y, %H:%M UTC")
    html = (
        f"<p>Hello {escape(link.user.name)},</p><p>{escape(sentence)}</p>"
        f'<p><a href="{escape(link.url)}">{escape(link.url)}</a></p>'
        f"<p>The link works once and until {expires}. If you did not expect it, ignore this mail.</p>"
    )
    try:
        sent, _ = await email.send_email(subject=subject, recipients=[link.user.email], html_body=html, sensitive=True)
    except ValueError as error:
        log.warning("one-time link not mailed", user_id=link.user.id, error=str(error))
        return Mailed(False, f"It could not be mailed: {error} Hand it over yourself.")
    if sent:
        return Mailed(True, f"It was mailed to {link.user.email}.")
    return Mailed(False, f"The mail server has not taken it yet; it is tried again. {link.user.email} gets it later.")


def _words(link: OneTimeLink, by: User) -> tuple[str, str]:
    if link.purpose == "invite":
        return "Your invitation to MyPortal", f"{by.name} invites you to MyPortal. Choose your password here:"
    return "A new password for MyPortal", f"{by.name} made this link, so that you can choose a new password:"
