"""From an announcement to the mail of one person. Pure but for what makes text of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from app.services.email import Address, NewMail
from app.services.text import fill_placeholders, html_to_text_async
from plugins.announcements import rules
from plugins.announcements.handles import Handles
from plugins.announcements.models import Announcement, Person

WHY = "You get this mail because you are in touch with us."
UNSUBSCRIBE = "Unsubscribe from announcements"
_SMALL = "margin:0 0 8px;font-size:12px;color:#6b6b6b"


@dataclass(frozen=True)
class Template:
    """What all mails of one announcement are made from."""

    announcement: Announcement
    text: str
    """The body as plain text, with its placeholders."""
    footer: str
    host: str
    """Of the portal; names the list."""

    @classmethod
    async def of(cls, announcement: Announcement, handles: Handles) -> Template:
        """Made once, and used for all."""
        text = await html_to_text_async(announcement.body_html)
        host = urlsplit(handles.context.settings.portal_url or "").hostname or "portal.invalid"
        return cls(announcement, text, handles.settings.footer, host)

    def mail(self, person: Person, *, unsubscribe: str | None) -> NewMail:
        """The mail for one person. unsubscribe: the address of their page; None leaves the link out."""
        announcement, values = self.announcement, self._values(person)
        subject = fill_placeholders(announcement.subject, values, is_html=False)
        return NewMail(
            subject=" ".join(subject.split()),
            to=(Address(rules.real_name(person.name, person.email), person.email),),
            html_body=fill_placeholders(announcement.body_html, values) + self._footer_html(unsubscribe),
            text_body=fill_placeholders(self.text, values, is_html=False) + self._footer_text(unsubscribe),
            headers=headers_of(announcement.id, self.host, unsubscribe),
            auto_submitted="auto-generated",
            enable_tracking=announcement.is_tracked,
            tracking_said=False,
            mailing=announcement.mailing,
            metadata={"announcement": announcement.id},
        )

    def _values(self, person: Person) -> dict[str, str]:
        name = rules.real_name(person.name, person.email)
        return {
            "contact.name": name,
            "contact.first_name": rules.first_name(name),
            "contact.email": person.email,
            "agent.name": self.announcement.sender_name,
            "agent.email": self.announcement.sender_email,
        }

    def _footer_html(self, unsubscribe: str | None) -> str:
        lines = [escape(self.footer).replace("\n", "<br>")] if self.footer else []
        link = f' <a href="{escape(unsubscribe)}" style="color:#6b6b6b">{UNSUBSCRIBE}</a>' if unsubscribe else ""
        lines.append(f"{WHY}{link}")
        parts = "".join(f'<p style="{_SMALL}">{line}</p>' for line in lines)
        return f'<div style="margin-top:24px;border-top:1px solid #d9d9d9;padding-top:12px">{parts}</div>'

    def _footer_text(self, unsubscribe: str | None) -> str:
        lines = [self.footer] if self.footer else []
        lines.append(f"{WHY}\n{UNSUBSCRIBE}: {unsubscribe}" if unsubscribe else WHY)
        return "\n\n-- \n" + "\n\n".join(lines) + "\n"


def headers_of(announcement_id: int, host: str, unsubscribe: str | None) -> Mapping[str, str]:
    """Headers by which programs know what it is: lists (RFC 2919, 2369), unsubscribing by one click (RFC 8058), and no
    out-of-office answers (RFC 3834, and what Exchange looks at).
    """
    found = {
        "List-Id": f"Announcements <announcements.{host}>",
        "Precedence": "bulk",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Feedback-ID": f"{announcement_id}:announcement:myportal",
    }
    if unsubscribe:
        found |= {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return found
