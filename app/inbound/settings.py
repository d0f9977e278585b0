"""What an operator sets about mail that comes in; part of `app.settings.Settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode


class InboundSettings(BaseSettings):
    """Caps, and what is believed."""

    inbound_max_mb: int = Field(
        40, ge=1, le=200, description="The largest mail that is taken, in MB; files grow by a third on their way."
    )
    inbound_per_sender_hour: int = Field(
        60, ge=1, description="How many mails of one sender become messages within an hour; more wait for an admin."
    )
    inbound_automatic_per_hour: int = Field(
        10, ge=1, description="The same of mails that a program wrote (absence notes, reports, lists)."
    )
    inbound_reopen_days: int = Field(
        30,
        ge=0,
        description="An answer to a ticket that was closed reopens it for so many days after its last activity; later "
        "answers open a new ticket that points to it. 0: they always reopen it.",
    )
    inbound_trusted_hosts: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Names of mail servers, separated by commas, as they stand first in Authentication-Results; only "
        "theirs are believed. The server must remove what others wrote there under its name.",
    )
    inbound_reply_addresses: bool = Field(
        False,
        description="true: answers go to addresses like support+r123.…@example.com, which say what they answer. The "
        "mail server must deliver them to support@example.com.",
    )

    @field_validator("inbound_trusted_hosts", mode="before")
    @classmethod
    def _split_trusted(cls, value: object) -> object:
        return [part.strip().lower() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @property
    def inbound_max_bytes(self) -> int:
        """The largest mail that is taken."""
        return self.inbound_max_mb * 1024 * 1024
