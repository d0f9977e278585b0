"""What agents and programs are told of one recipient's copy."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, Field

from app.database import Database
from app.services import receipts, tickets
from plugins.plausible import repository
from plugins.plausible.repository import Sums

NOTHING = Sums()


class CopyRecipient(BaseModel):
    """Who got the copy."""

    role: str = Field(description="to, cc or bcc.")
    name: str
    email: str


class FollowedLink(BaseModel):
    """A destination that was followed."""

    url: str
    clicks: int
    last_clicked_at: AwareDatetime


class CopyStatus(BaseModel):
    """What is known of one recipient's copy of a reply. "read" means likely read."""

    tracking_id: str
    ticket_id: int
    reply_id: int
    recipient: CopyRecipient
    state: str = Field(description="What the badge says of this copy: queued, sent, read, failed, unknown, untracked.")
    sent_at: AwareDatetime | None
    words: str = Field(description="Why the state is what it is, in a sentence.")
    opens: int = Field(description="By people, as far as can be told.")
    machine_opens: int = Field(description="By scanners, privacy proxies and other programs.")
    first_opened_at: AwareDatetime | None = Field(description="When a person first read it.")
    last_opened_at: AwareDatetime | None
    clicks: int = Field(description="By people.")
    machine_clicks: int
    links: list[FollowedLink] = Field(description="Most clicked first.")


async def copy_status(database: Database, tracking_id: str) -> CopyStatus | None:
    """The status of the copy with this id; None where no reply that whoever asks may see has one.

    Raises DatabaseUnavailable.
    """
    async with database.connection() as conn:
        copy = await repository.copy_by_tracking_id(conn, tracking_id)
        if copy is None or not await tickets.is_visible(copy.ticket_id):
            return None
        sums = (await repository.sums_of(conn, [copy.recipient_id])).get(copy.recipient_id, NOTHING)
        links = await repository.clicked_links(conn, [copy.recipient_id])
    panel = (await receipts.panels([copy.reply_id]))[copy.reply_id]
    row = next(row for row in panel.rows if row.id == copy.recipient_id)
    return CopyStatus(
        tracking_id=tracking_id,
        ticket_id=copy.ticket_id,
        reply_id=copy.reply_id,
        recipient=CopyRecipient(role=row.role.lower(), name=row.name, email=row.email),
        state=row.state,
        sent_at=row.sent_at,
        words=sums.words,
        opens=sums.opens,
        machine_opens=sums.machine_opens,
        first_opened_at=sums.first_read_at,
        last_opened_at=sums.last_read_at,
        clicks=sums.clicks,
        machine_clicks=sums.machine_clicks,
        links=[FollowedLink(url=one.url, clicks=one.clicks, last_clicked_at=one.last_clicked_at) for one in links],
    )
