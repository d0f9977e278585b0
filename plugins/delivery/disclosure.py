"""What the module tells people of itself, made from the settings in force. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from app.hookspecs import Paragraph
from plugins.delivery.providers import PROVIDERS
from plugins.delivery.settings import DeliverySettings

TITLE = "Whether our mails arrive"


def paragraphs(settings: DeliverySettings, *, enabled: bool) -> Sequence[Paragraph]:
    """What is kept, from whom, and for how long."""
    senders = [one.label for one in PROVIDERS.values() if settings.is_open(one.slug) and one.slug != "generic"]
    if not enabled:
        return [Paragraph(TITLE, f"We do not ask our mail provider what became of our mails. {_how_long(settings)}")]
    who = (
        f"The service that sends our mails ({', '.join(senders)})"
        if senders
        else "The mail server that sends our mails"
    )
    return [
        Paragraph(
            TITLE,
            f"{who} tells us whether a mail to you was delivered, delayed or returned, with the reason that your mail "
            "server gave, and whether it was marked as spam. It may also tell when a mail was opened or a link was "
            "followed, unless you have told us that you do not want to be tracked. "
            f"{_how_long(settings)}",
        )
    ]


def _how_long(settings: DeliverySettings) -> str:
    if not settings.keep_days:
        return "Such records are kept until you ask us to erase them."
    days = settings.keep_days
    return (
        f"Such records are deleted after {days} {'day' if days == 1 else 'days'}; that a mail was delivered or "
        "returned stays with the mail."
    )
