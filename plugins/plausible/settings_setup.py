"""What an admin sets for reading back from Plausible, for setting it up, and for what it is told of tickets."""

from __future__ import annotations

from pydantic import Field, SecretStr

from app.hookspecs import ModuleSettings


class SetupSettings(ModuleSettings):
    """Part of the module's settings."""

    send_tags: bool = Field(
        False,
        title="Send the tags",
        description="Adds the tags of the ticket to each event, in one property tags: “refund, vip”. Choose it only "
        "where no tag names a person.",
        json_schema_extra={"group": "Plausible", "after": "send_department"},
    )
    plugin_token: SecretStr | None = Field(
        None,
        title="Plugin token",
        description="Optional: lets the page Sync make goals on a Plausible of your own. Make one at Plausible under "
        "Site settings → Integrations → Plugin tokens. Stored encrypted and never shown again.",
        json_schema_extra={"group": "Plausible", "after": "api_key"},
    )
