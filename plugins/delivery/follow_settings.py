"""What an admin sets of bounce mails, and of what follows from bounces and complaints."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from app.hookspecs import ModuleSettings
from app.services.email import EmailRefused, parse_address
from plugins.delivery.bounces.marks import LONGEST_LOCAL

MAILS = "Bounce mails"
FOLLOWS = "What follows"


class FollowSettings(ModuleSettings):
    """Part of the module's settings."""

    bounce_address: str = Field(
        "",
        title="Address for bounces",
        description="Such as bounces@acme.example. Each mail then goes out with an envelope sender of its own below it "
        "(bounces+…@acme.example), so that every bounce names its mail, whatever else it says. Let mail to all of them "
        "come in here: by LMTP, the pipe, or a mailbox under Admin → Mailboxes that gets them. Empty: bounces that "
        "come in are known by the mail that they return. Leave it empty where your provider sets an envelope sender "
        "itself.",
        json_schema_extra={"env": "DELIVERY_BOUNCE_ADDRESS", "group": MAILS, "after": "generic_secret"},
    )
    reopen: bool = Field(
        True,
        title="Open a ticket again when a reply bounces or is marked as spam",
        description="Closed, waiting and snoozed tickets come back: the customer has no answer.",
        json_schema_extra={"group": FOLLOWS, "after": "bounce_address"},
    )
    complaints_suppress: Literal["all", "announcements"] = Field(
        "all",
        title="Marking a mail as spam stops",
        description="All: all mail to that address. Announcements: only these; replies still go out. A mail that "
        "bounces for good stops all mail in any case.",
        json_schema_extra={"group": FOLLOWS, "after": "reopen"},
    )
    soft_limit: int = Field(
        0,
        ge=0,
        le=100,
        title="Suppress after so many soft bounces",
        description="Soft bounces of so many different mails within the days below stop mail to an address. 0: never, "
        "because a full mailbox or a filter says nothing of the address.",
        json_schema_extra={"group": FOLLOWS, "after": "complaints_suppress"},
    )
    soft_days: int = Field(
        30,
        ge=1,
        le=365,
        title="Days in which soft bounces are counted",
        json_schema_extra={"group": FOLLOWS, "after": "soft_limit"},
    )

    @field_validator("bounce_address")
    @classmethod
    def _check_address(cls, value: str) -> str:
        value = value.strip()
        if not value:
            return ""
        try:
            email = parse_address(value).email
        except EmailRefused as error:
            raise ValueError(str(error)) from None
        local = email.rpartition("@")[0]
        if len(local) > LONGEST_LOCAL:
            raise ValueError(
                f"may have at most {LONGEST_LOCAL} characters before the @, because {len(email)} do not leave room for "
                "what names the mail; choose a shorter one such as bounces@…"
            )
        return email
