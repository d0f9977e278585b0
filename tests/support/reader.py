"""A person who reads a mail: the headers of their programs, and mails that have lain in the mailbox for a while."""

from __future__ import annotations

from app.database import Database

THUNDERBIRD = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
SHOWN = {"User-Agent": THUNDERBIRD, "Accept": "image/avif,image/webp,image/png,*/*;q=0.8", "Accept-Language": "en"}
"""A mail program that shows an image."""
FOLLOWED = {
    "User-Agent": FIREFOX,
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "en",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
}
"""A browser in which somebody followed a link."""


async def let_lie(database: Database, minutes: int = 10) -> None:
    """Date back what went out: who opens a mail within seconds is taken for a machine."""
    async with database.transaction() as conn:
        for column in ("sent_at", "sending_at"):
            await conn.execute(
                f"UPDATE email_recipients SET {column} = {column} - INTERVAL %(minutes)s MINUTE",  # noqa: S608
                {"minutes": minutes},
            )
        await conn.execute(
            "UPDATE ticket_replies SET email_sent_at = email_sent_at - INTERVAL %(minutes)s MINUTE",
            {"minutes": minutes},
        )
