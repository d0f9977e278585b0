"""What an admin sets of the module; the form under Admin → Integration Modules is made from it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from app.hookspecs import ModuleSettings

MOST_PER_MINUTE = 100_000


class AnnouncementSettings(ModuleSettings):
    """All of it has sensible first values."""

    mails_per_minute: int = Field(
        600,
        ge=0,
        le=MOST_PER_MINUTE,
        title="Mails per minute",
        description="All announcements together hand no more mails to the outbox. An announcement may be slower, never "
        "faster. 0: no limit but the mail server's own.",
        json_schema_extra={"group": "Sending"},
    )
    who_sends: Literal["admins", "everybody"] = Field(
        "admins",
        title="Who may send",
        description="Everybody who is logged in may write drafts and send test mails to themselves. Sending to "
        "customers, pausing and stopping is for admins, or for everybody.",
        json_schema_extra={"group": "Sending"},
    )
    footer: str = Field(
        "",
        max_length=1000,
        title="Footer",
        description="Plain text below each announcement, above the link to unsubscribe: who you are and where you "
        "can be reached, which many laws ask for.",
        json_schema_extra={"group": "Sending"},
    )
    keep_days: int = Field(
        730,
        ge=0,
        le=3650,
        title="Days to keep who got what",
        description="After so many days the list of an announcement's recipients is deleted; its figures stay. 0: kept "
        "for ever.",
        json_schema_extra={"group": "Privacy"},
    )

    @field_validator("footer")
    @classmethod
    def _tidy(cls, value: str) -> str:
        return value.replace("\r\n", "\n").strip()
