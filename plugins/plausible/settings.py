"""What an admin sets of the module; the form under Admin → Integration Modules is made from it."""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from app.hookspecs import TRACKED_KINDS, TrackingPolicy
from plugins.plausible.addresses import AddressMode
from plugins.plausible.rewriter import PixelPosition
from plugins.plausible.settings_pages import PageSettings
from plugins.plausible.settings_setup import SetupSettings

MAILS = "Tracking in mails"
WHO = "Who is tracked"
PRIVACY = "Privacy"
PLAUSIBLE = "Plausible"
DAYS_OF_A_MONTH = 365.25 / 12
LONGEST_NAME = 100
"""Characters of an event's name: Plausible takes 120, and "_machine" may follow."""
RESERVED = ("pageview", "engagement")
VisitorMode = Literal["anonymous", "real", "none"]
SITE = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?:/[a-z0-9._~/-]{1,100})?", re.ASCII)


class PlausibleSettings(PageSettings, SetupSettings):
    """Fields with a first value from the environment are named as their PLAUSIBLE_* variable, in lower case."""

    track_opens: bool = Field(
        True,
        title="Track opens",
        description="Puts an invisible image into each tracked reply. Off: opens are no longer recorded, "
        "also those of mails that went out before.",
        json_schema_extra={"env": "PLAUSIBLE_TRACK_OPENS", "group": MAILS},
    )
    track_clicks: bool = Field(
        True,
        title="Track clicks",
        description="Leads the links of each tracked reply through this portal. Off: clicks are no longer recorded; "
        "links in mails that went out before keep working.",
        json_schema_extra={"env": "PLAUSIBLE_TRACK_CLICKS", "group": MAILS},
    )
    skip_visible_url: bool = Field(
        True,
        title="Leave links that show their address",
        description="Links whose visible text is itself an address stay untracked: mail programs warn of fraud when "
        "that text and the destination differ.",
        json_schema_extra={"group": MAILS},
    )
    pixel_position: PixelPosition = Field(
        "auto",
        title="Place of the image",
        description="Auto puts it at the end, and at the start of mails over 90 kB, because Gmail cuts off the end of "
        "long ones.",
        json_schema_extra={"group": MAILS},
    )
    track_text_links: bool = Field(
        False,
        title="Track links in plain text too",
        description="Also leads the addresses in the plain-text part through this portal. They become long, and who "
        "reads plain text sees them. Needs Track clicks.",
        json_schema_extra={"group": MAILS},
    )
    trap_link: bool = Field(
        False,
        title="Hidden link for mail scanners",
        description="Puts a link that nobody sees into each tracked reply. A program that follows it is a scanner, and "
        "nothing that it opens or clicks counts as reading. Off at first, because some spam filters dislike hidden "
        "links, and some mail programs show its address in the plain text that they make of a mail. Needs Track "
        "clicks.",
        json_schema_extra={"group": MAILS},
    )
    track_by_default: Literal["both", "opens", "clicks", "off"] = Field(
        "both",
        title="Tracked by default",
        description="What of opens and clicks is tracked where nobody nearer says otherwise: a department, a contact, "
        "the switch at a reply. Off: only where one of them turns it on.",
        json_schema_extra={"group": WHO},
    )
    track_unknown: bool = Field(
        True,
        title="Track contacts who have not decided",
        description="Off: replies are tracked for contacts only who allowed it, or when an agent turns it on for one "
        "reply. Contacts who refused are never tracked.",
        json_schema_extra={"group": WHO},
    )
    opt_out_link: bool = Field(
        False,
        title="Link to the opt-out page",
        description="Ends each tracked reply with a line that says what it reports, and a link to a page where its "
        "recipient turns that off, without a login. Agents do not see the line in the portal.",
        json_schema_extra={"group": WHO},
    )
    ip_mode: AddressMode = Field(
        "cut",
        title="Addresses of readers",
        description="What is stored of the address that opened a mail, once it is known who made the request. Cut: "
        "without its last part, so that it names a network. Hash: a keyed hash of that, another one for each mail. "
        'None: nothing. Full: all of it; the sync\'s visitor mode "real" needs that. For what is stored already, run '
        "myportal privacy apply.",
        json_schema_extra={"group": PRIVACY},
    )
    keep_agents_days: int = Field(
        30,
        ge=1,
        le=3650,
        title="Keep user agents in full, days",
        description='Later only the program\'s name and version stay, such as "Firefox on Windows", and of the page '
        "that led there its host. Badges do not change.",
        json_schema_extra={"group": PRIVACY},
    )
    keep_days: int = Field(
        730,
        ge=0,
        le=7300,
        title="Keep single opens and clicks, days",
        description="Older ones are deleted each night. Badges and counts stay, links keep working. 0 keeps all.",
        json_schema_extra={"group": PRIVACY},
    )
    base_url: str = Field(
        "https://plausible.io",
        title="Base URL",
        description="Where your Plausible runs. Leave it for plausible.io.",
        json_schema_extra={"env": "PLAUSIBLE_BASE_URL", "group": PLAUSIBLE},
    )
    site_domain: str = Field(
        "",
        title="Site domain",
        description="The domain under which Plausible knows this portal, for example help.example.com.",
        json_schema_extra={"env": "PLAUSIBLE_SITE_DOMAIN", "group": PLAUSIBLE},
    )
    api_key: SecretStr | None = Field(
        None,
        title="API key",
        description="Optional: lets the page Sync to Plausible compare what was sent with what Plausible counts; one "
        "for the Sites API makes goals too. Stored encrypted and never shown again.",
        json_schema_extra={"env": "PLAUSIBLE_API_KEY", "group": PLAUSIBLE},
    )
    send_to_plausible: bool = Field(
        False,
        title="Send to Plausible",
        description="Passes opens and clicks by people on, without anything that names a person, a ticket or a link. "
        "Needs the site domain. The page Sync to Plausible, linked above, tells what became of it.",
        json_schema_extra={"env": "PLAUSIBLE_SEND_TO_PLAUSIBLE", "group": PLAUSIBLE},
    )
    visitor_mode: VisitorMode = Field(
        "anonymous",
        title="Visitors",
        description="Anonymous: a keyed hash that changes each day stands for the recipient; counts visitors on a "
        "Plausible of your own. Real: sends the reader's own address and browser to Plausible, which discloses them, "
        "and needs whole addresses under Privacy; Plausible's cloud counts visitors only so. None: no address.",
        json_schema_extra={"group": PLAUSIBLE},
    )
    open_event_name: str = Field(
        "email_open",
        title="Name of opens",
        description="The custom event's name at Plausible; a goal needs exactly the same.",
        json_schema_extra={"group": PLAUSIBLE},
    )
    click_event_name: str = Field(
        "email_click",
        title="Name of clicks",
        description="The same for links that were followed.",
        json_schema_extra={"group": PLAUSIBLE},
    )
    send_machine_events: bool = Field(
        False,
        title="Send what machines did too",
        description="Scanners, robots and Apple's prefetch, under the same names with _machine added.",
        json_schema_extra={"group": PLAUSIBLE},
    )
    send_department: bool = Field(
        False,
        title="Send the department",
        description="Adds the name of the ticket's department to each event, as the property department.",
        json_schema_extra={"group": PLAUSIBLE},
    )
    site_timezone: str = Field(
        "UTC",
        title="Time zone of the site",
        description="As set at Plausible, for example Europe/Berlin. Plausible dates an event when it comes, so one "
        "from another day is not sent.",
        json_schema_extra={"group": PLAUSIBLE},
    )
    too_old_hours: int = Field(
        24,
        ge=1,
        le=24,
        title="Too old after, hours",
        description="An event that waited longer, because Plausible was away, is marked and not sent.",
        json_schema_extra={"group": PLAUSIBLE},
    )
    sync_concurrency: int = Field(
        16,
        ge=1,
        le=64,
        title="Requests at once",
        description="How many events each worker sends at the same time.",
        json_schema_extra={"group": PLAUSIBLE},
    )

    @model_validator(mode="before")
    @classmethod
    def _read_months(cls, values: Any) -> Any:
        """Until now the time was saved in months."""
        if isinstance(values, dict) and "keep_months" in values:
            months = values["keep_months"]
            values = {name: value for name, value in values.items() if name != "keep_months"}
            if "keep_days" not in values and isinstance(months, int):
                values["keep_days"] = round(months * DAYS_OF_A_MONTH)
        return values

    @property
    def policy(self) -> TrackingPolicy:
        """What of opens and clicks is recorded, and wanted."""
        able = frozenset(kind for kind, on in (("opens", self.track_opens), ("clicks", self.track_clicks)) if on)
        wanted = TRACKED_KINDS if self.track_by_default == "both" else frozenset({self.track_by_default})
        return TrackingPolicy(able, able & wanted, unknown=self.track_unknown, opt_out_link=self.opt_out_link)

    def within(self, permits: frozenset[str]) -> PlausibleSettings:
        """The same for a copy that may report no more than this."""
        return self.model_copy(
            update={
                "track_opens": self.track_opens and "opens" in permits,
                "track_clicks": self.track_clicks and "clicks" in permits,
            }
        )

    @property
    def has_trap(self) -> bool:
        """Whether new copies carry the hidden link: without clicks being recorded nobody would hear of it."""
        return self.trap_link and self.track_clicks

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ValueError(f"must be an address like https://plausible.io, got {value!r}") from None
        # Whether http:// will do, and where the host leads, is looked at in `settings_check`.
        if parts.scheme not in {"http", "https"} or not host:
            raise ValueError(f"must start with https:// and name a host, got {value!r}")
        if parts.path:
            raise ValueError(f"must be without a path, because Plausible is never served below one, got {value!r}")
        if parts.username or parts.password or parts.query or parts.fragment or not value.isprintable() or " " in value:
            raise ValueError("must be an address without login, query and fragment; the API key has a field of its own")
        return value

    @field_validator("open_event_name", "click_event_name")
    @classmethod
    def _check_event_name(cls, value: str) -> str:
        value = value.strip()
        if not 0 < len(value) <= LONGEST_NAME or not value.isprintable() or value in RESERVED:
            raise ValueError(
                f"must be a name of 1 to {LONGEST_NAME} characters other than {' and '.join(RESERVED)}, got {value!r}"
            )
        return value

    @field_validator("site_timezone")
    @classmethod
    def _check_timezone(cls, value: str) -> str:
        value = value.strip()
        if value not in available_timezones():
            raise ValueError(f"must be a time zone like Europe/Berlin or UTC, got {value!r}")
        return value

    @field_validator("site_domain")
    @classmethod
    def _check_site_domain(cls, value: str) -> str:
        value = value.strip().lower()
        if value and not SITE.fullmatch(value):
            raise ValueError(f"must be a domain only, like help.example.com, got {value!r}")
        return value

    # On the switch and not on the domain, because the switch is what is set: one in the environment that does not
    # hold is then left off, and the portal starts.
    @field_validator("send_to_plausible")
    @classmethod
    def _check_switch(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("site_domain") == "":
            raise ValueError("needs the site domain: fill it in, or leave this off")
        return value
