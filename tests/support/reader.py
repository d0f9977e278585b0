"""A person who reads a mail: the headers of their programs, and mails that have lain in the mailbox for a while."""

from __future__ import annotations

from app.database import Database
from app.demo.customer import IMAGE, MAIL_PROGRAM, VISIT

THUNDERBIRD = MAIL_PROGRAM
SHOWN, FOLLOWED = IMAGE, VISIT
"""A mail program that shows an image, and a browser in which somebody followed a link: as in the demo."""


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
