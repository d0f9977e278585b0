"""What an admin sets for reading back from Plausible and setting it up."""

from __future__ import annotations

from pydantic import Field, SecretStr

from app.hookspecs import ModuleSettings


class SetupSettings(ModuleSettings):
    """Part of the module's settings."""

    plugin_token: SecretStr | None = Field(
        None,
        title="Plugin token",
        description="Optional: lets the page Sync make goals on a Plausible of your own. Make one at Plausible under "
        "Site settings → Integrations → Plugin tokens. Stored encrypted and never shown again.",
        json_schema_extra={"group": "Plausible", "after": "api_key"},
    )
