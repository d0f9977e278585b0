"""What an admin sets of Plausible's script on the portal's own pages."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from app.hookspecs import ModuleSettings

PAGES = "Visits to pages of the portal"
PageAnalytics = Literal["off", "customers", "all"]
SITE_SCRIPT = re.compile(r"pa-[A-Za-z0-9_-]{1,100}\.js", re.ASCII)
"""The script that Plausible makes for each site; it asks the page what to send."""
MANUAL_SCRIPT = re.compile(r"(?:script|plausible)\.(?:local\.)?manual\.js", re.ASCII)
"""Of the older ones only those that are told an address: the others send the one in the browser's bar as it is."""


class PageSettings(ModuleSettings):
    """Part of the module's settings."""

    page_analytics: PageAnalytics = Field(
        "off",
        title="Count visits to pages",
        description="Adds Plausible's script to the portal's own pages. Customers: to pages that need no login. All: "
        "to those of agents and admins too. Plausible is told the kind of page (/tickets/:id), never a number, a "
        "link's secret or a title; browsers that ask not to be tracked get no script. Needs the site domain.",
        json_schema_extra={"group": PAGES, "after": "sync_concurrency"},
    )
    page_proxy: bool = Field(
        True,
        title="Through this portal",
        description="Script and visits go by this portal (/js/pages.js, /api/event), so that browsers talk to nobody "
        "else and blockers stop nothing. Off: they go to Plausible themselves, which learns their address; pages with "
        "a password or with a secret in their address (login, invitation, a customer's links) then carry no script.",
        json_schema_extra={"group": PAGES, "after": "page_analytics"},
    )
    page_script: str = Field(
        "script.manual.js",
        title="Name of the script",
        description="script.manual.js, which every Plausible has, or the one that Plausible made for the site: "
        "pa-….js, under Site settings → General → Site installation.",
        json_schema_extra={"group": PAGES, "after": "page_proxy"},
    )

    @property
    def passes_visits(self) -> bool:
        """Whether visits to pages go by this portal."""
        return self.page_analytics != "off" and self.page_proxy

    @field_validator("page_script")
    @classmethod
    def _check_script(cls, value: str) -> str:
        value = value.strip()
        if SITE_SCRIPT.fullmatch(value) or MANUAL_SCRIPT.fullmatch(value):
            return value
        if "/" in value:
            raise ValueError(
                f"must be the name alone, such as pa-XXXX.js, because it lies at the Base URL, got {value!r}"
            )
        raise ValueError(
            "must be script.manual.js or the site's own pa-….js, because other scripts send addresses with ticket "
            f"numbers, got {value!r}"
        )

    @model_validator(mode="before")
    @classmethod
    def _ask_for_site(cls, values: Any) -> Any:
        """A field that is left out is not looked at."""
        if isinstance(values, dict) and values.get("page_analytics", "off") != "off":
            return {"site_domain": "", **values}
        return values

    # Fields of a base come first, so that the switch is known here; the error stands where it is mended.
    @field_validator("site_domain", check_fields=False)
    @classmethod
    def _check_needed(cls, value: str, info: ValidationInfo) -> str:
        if not value.strip() and info.data.get("page_analytics", "off") != "off":
            raise ValueError("is needed to count visits to pages: fill it in, or turn that off")
        return value
