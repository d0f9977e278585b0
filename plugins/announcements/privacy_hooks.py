"""The module's hooks about people's data."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from app.database import Connection, utcnow
from app.hookspecs import ContactData, Paragraph, WorkDone, hookimpl
from app.sql import in_list
from plugins.announcements import recipients
from plugins.announcements.handles import Handles

PIECE = 5000
"""Rows that one call deletes."""


class PrivacyHooks:
    """Part of the plugin's object."""

    @abstractmethod
    def handles(self) -> Handles:
        """What this process gives the module."""

    @hookimpl
    async def export_contact(self, contact: ContactData) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Which announcements a person got; whether they want more stands in the list of suppressed addresses."""
        emails, parameters = in_list("email", contact.addresses) if contact.addresses else ("('')", {})
        async with self.handles().database.connection() as conn:
            got = await recipients.of_contact(conn, contact.id)
            lines = await conn.fetch_all(
                f"SELECT l.import_id, l.line, l.email, l.name, l.verdict FROM announcement_import_lines AS l "  # noqa: S608
                f"WHERE l.email IN {emails} ORDER BY l.import_id, l.line",
                parameters,
            )
        return {"announcements": got, "announcement_imports": lines}

    @hookimpl
    async def erase_contact(self, contact: ContactData) -> WorkDone:
        """Take out who they are."""
        emails, parameters = in_list("email", contact.addresses) if contact.addresses else ("('')", {})
        values = {**parameters, "id": contact.id}

        async def work(conn: Connection) -> dict[str, int]:
            got = await conn.execute(
                """
                UPDATE announcement_recipients
                   SET reason = IF(state = 'waiting', 'erased', reason),
                       state = IF(state = 'waiting', 'left_out', state), name = '', email = ''
                 WHERE contact_id = %(id)s AND (email <> '' OR name <> '' OR state = 'waiting')
                """,
                values,
            )
            lines = await conn.execute(f"DELETE FROM announcement_import_lines WHERE email IN {emails}", values)  # noqa: S608
            # Events that were stored with the figures name people; the next count has them without.
            await conn.execute(
                """
                UPDATE announcement_statistics AS s
                   SET s.detail = '{}', s.counted_at = TIMESTAMP'2000-01-01 00:00:00'
                 WHERE s.announcement_id IN (SELECT r.announcement_id FROM announcement_recipients AS r
                                              WHERE r.contact_id = %(id)s)
                """,
                values,
            )
            return {"announcements": got, "lines of imports": lines}

        found = await self.handles().database.run(work)
        return WorkDone({name: count for name, count in found.items() if count})

    @hookimpl
    async def purge_old(self) -> WorkDone:
        """Delete who got what long ago; figures stay."""
        days = self.handles().settings.keep_days
        if not days:
            return WorkDone()
        values = {"before": utcnow() - timedelta(days=days)}
        old = "SELECT a.id FROM announcements AS a WHERE a.finished_at < %(before)s"

        async def work(conn: Connection) -> tuple[int, int]:
            lines = await conn.execute(
                "DELETE FROM announcement_imports WHERE announcement_id IN "  # noqa: S608
                f"({old}) OR (accepted_at IS NULL AND created_at < %(before)s) LIMIT 5",
                values,
            )
            rows = await conn.execute(
                f"DELETE FROM announcement_recipients WHERE announcement_id IN ({old}) LIMIT {PIECE}",  # noqa: S608
                values,
            )
            return lines, rows

        lines, rows = await self.handles().database.run(work)
        counts = {"recipients of announcements": rows, "imports": lines}
        return WorkDone({name: count for name, count in counts.items() if count}, done=rows < PIECE and lines < 5)

    @hookimpl
    def privacy_disclosure(self) -> Sequence[Paragraph]:
        """What people should know of it."""
        handles = self.handles()
        days = handles.settings.keep_days
        kept = f"for {days} days after it went out" if days else "until you ask us to delete it"
        paragraphs = [
            Paragraph(
                "Announcements",
                "We send announcements by mail to people who are in touch with us. For each of them we keep to which "
                f"address it went, when, and what became of it, {kept}. Each mail has a link by which you unsubscribe "
                "with one click and without a login; mail programs that know RFC 8058 offer it too.",
            ),
            Paragraph(
                "After you unsubscribed",
                "We keep that you want no more announcements, with your address, so that we can heed it. If we delete "
                "your data, what is left of it is a check sum of the address, from which it cannot be read.",
            ),
        ]
        if handles.context.is_enabled():
            return paragraphs
        return [Paragraph("Announcements (turned off)", "We send none now. " + paragraphs[0].text), paragraphs[1]]
