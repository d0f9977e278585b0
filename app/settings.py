"""Every environment variable of the portal, once: its name, type, default and a sentence.

`tests/test_settings.py` keeps `.env.example` equal to this file.
"""

from __future__ import annotations

import ipaddress
import json
import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from app.inbound.settings import InboundSettings
from app.outbound.rules import Allowed

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ENV_FILE = ".env"
RUNNING_FILE = "running.json"
RUNNING = ("database_url", "portal_url", "tracking_url", "smtp_host", "smtp_port", "smtp_tls", "mail_from")
"""What `myportal up` tells of the portal that it runs."""
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class ConfigurationError(Exception):
    """The environment does not let the portal start; the message names the variable and the way out."""


class Settings(InboundSettings):
    """What an operator sets in the environment or in `.env`; field names are the variables in lower case."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: str | None = Field(
        None,
        description="mysql://user:password@host:port/name, or mysql://user@/name?unix_socket=/path. "
        "Without it the private MariaDB of `myportal up` is used.",
    )
    portal_url: str | None = Field(
        None,
        description="The address under which people and mail clients reach the portal, for example "
        "https://help.example.com. Links in mails, tracking and the Host check are built on it.",
    )
    tracking_url: str | None = Field(
        None,
        description="Another address, on a host of its own, for the pixel and the tracked links of new mails, for "
        "example https://t.example.com. Without it: PORTAL_URL. See docs/operations.md.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="At least 32 characters, random; signs links and encrypts module secrets. "
        "`myportal up` makes one and keeps it in VAR_DIR.",
    )
    secret_key_previous: Annotated[list[SecretStr], NoDecode] = Field(
        default=[],
        description="Earlier values of SECRET_KEY, separated by commas; they still verify and decrypt.",
    )
    smtp_host: str | None = Field(None, description="The mail server that takes our mail.")
    smtp_port: int = Field(25, ge=1, le=65535, description="Its port.")
    smtp_username: str | None = Field(None, description="Login at the mail server, if it asks for one.")
    smtp_password: SecretStr | None = Field(None, description="The password of that login.")
    smtp_tls: Literal["none", "starttls", "tls"] = Field(
        "none", description="none, starttls (port 587) or tls (port 465)."
    )
    smtp_connections: int = Field(
        8,
        ge=1,
        le=50,
        description="Connections to the mail server that each worker process keeps busy at once. More of them send "
        "announcements faster, as far as the mail server and the database go along.",
    )
    mail_from: str | None = Field(
        None,
        description="The sender of our mail, for example Support <support@example.com>. "
        "Without it: support@ the host of PORTAL_URL.",
    )
    trusted_proxies: Annotated[list[Network], NoDecode] = Field(
        default=[],
        description="Addresses or networks of reverse proxies, separated by commas, whose X-Forwarded-For is believed.",
    )
    outbound_allowed: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Servers inside your own network that the portal may call, separated by commas: names, addresses "
        "or networks, for example plausible.lan, 10.0.0.0/8. Without it: only public addresses.",
    )
    var_dir: Path = Field(
        Path("var"),
        description="Where `myportal up` keeps its database, key and demo mailbox.",
    )
    spool_dir: Path | None = Field(
        None,
        description="Where opens and clicks wait on the local disk while the database is away; all web processes of "
        "a host share it. Without it: spool in VAR_DIR.",
    )
    spool_max_mb: int = Field(1024, ge=1, description="How large each web process may let its part of it grow, in MB.")
    web_max_requests: int = Field(
        0,
        ge=0,
        description="After how many requests a web process is replaced by a fresh one, give or take a tenth; 0: never.",
    )
    web_max_hours: float = Field(0, ge=0, allow_inf_nan=False, description="The same after so many hours; 0: never.")
    web_max_memory_mb: int = Field(
        1024, ge=0, description="The same once it holds so much memory, in MB; 0: never. About 90 MB are usual."
    )
    night_hour: int = Field(
        2, ge=0, le=23, description="From which hour, in UTC, the nightly purge of old data may run."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is logged."
    )
    log_format: Literal["console", "json"] = Field("console", description="console for people, json for machines.")

    @field_validator("portal_url", "tracking_url")
    @classmethod
    def _check_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"must be http:// or https:// and a host, got {value!r}")
        if parts.query or parts.fragment or parts.username or parts.path.rstrip("/"):
            raise ValueError(f"must be scheme, host and port only, got {value!r}")
        return value.rstrip("/")

    @field_validator("secret_key")
    @classmethod
    def _check_secret_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters; make one with: openssl rand -hex 32")
        return value

    @field_validator("secret_key_previous", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip()]

    @field_validator("outbound_allowed", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("outbound_allowed")
    @classmethod
    def _check_hosts(cls, value: list[str]) -> list[str]:
        Allowed.parse(value)
        return value

    @cached_property
    def portal(self) -> SplitResult | None:
        """PORTAL_URL in parts, or None where it is not set."""
        return urlsplit(self.portal_url) if self.portal_url else None

    @property
    def is_https(self) -> bool:
        """Whether people reach the portal over TLS; cookies are Secure then."""
        return self.portal is not None and self.portal.scheme == "https"

    @property
    def key(self) -> str:
        """SECRET_KEY, or a ConfigurationError that says how to make one."""
        if self.secret_key is None:
            raise ConfigurationError(
                "SECRET_KEY is not set. Make one with `openssl rand -hex 32`, put it into the environment or .env, "
                "or start with `myportal up`, which makes and keeps its own."
            )
        return self.secret_key.get_secret_value()

    @property
    def keys(self) -> list[str]:
        """SECRET_KEY first, then the earlier ones that still verify."""
        return [self.key, *(key.get_secret_value() for key in self.secret_key_previous)]

    @property
    def spool_folder(self) -> Path:
        """SPOOL_DIR, or its place in VAR_DIR."""
        return self.spool_dir or self.var_dir / "spool"

    @property
    def sender(self) -> str:
        """The From of our mail: MAIL_FROM, or support@ the portal's host."""
        if self.mail_from:
            return self.mail_from
        host = self.portal.hostname if self.portal else None
        return f"Support <support@{host or 'localhost'}>"


def environment_variable(name: str) -> str:
    """A variable that a module's settings name: from the environment, else from `.env`; '' where it is unset."""
    return os.environ.get(name) or dotenv_values(ENV_FILE).get(name) or ""


class DatabaseAddress:
    """DATABASE_URL in the parts that a driver wants."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"mysql", "mariadb"}:
            raise ConfigurationError(
                f"DATABASE_URL must start with mysql://, got {parts.scheme or 'no scheme'!r}; "
                "for example mysql://portal:password@localhost:3306/portal"
            )
        query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
        self.unix_socket: str | None = unquote(query["unix_socket"]) if "unix_socket" in query else None
        self.host = parts.hostname or "localhost"
        self.port = parts.port or 3306
        self.user = unquote(parts.username or "root")
        self.password = unquote(parts.password or "")
        self.name = unquote(parts.path.lstrip("/"))
        if not self.name:
            raise ConfigurationError("DATABASE_URL names no database; append one, for example /myportal")


def load_settings(*, beside_running: bool = True, **overrides: object) -> Settings:
    """Read the environment, `.env` and what `myportal up` keeps in VAR_DIR.

    beside_running: take what is not set from the portal that `myportal up` runs now, so that a script or command
    beside it means the same portal. Raises ConfigurationError with one line per bad variable, naming it, the rule and
    the way out.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [
            f"{str(part['loc'][0]).upper()} {part['msg'].removeprefix('Value error, ')}" for part in error.errors()
        ]
        raise ConfigurationError("\n".join(lines)) from None
    found: dict[str, object] = {}
    key_file = settings.var_dir / "secret_key"
    if settings.secret_key is None and key_file.is_file():
        found["secret_key"] = SecretStr(key_file.read_text().strip())
    if beside_running:
        running = read_running(settings.var_dir)
        found |= {name: value for name, value in running.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=found) if found else settings


def read_running(var_dir: Path) -> dict[str, object]:
    """What the portal that runs over `var_dir` told of itself; empty where none does."""
    try:
        values = json.loads((var_dir / RUNNING_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {name: values[name] for name in RUNNING if values.get(name) is not None}


def write_running(settings: Settings) -> Path:
    """Tell commands and scripts beside us where this portal is; the file to remove at the end."""
    path = settings.var_dir / RUNNING_FILE
    path.touch(mode=0o600)
    path.write_text(json.dumps({name: getattr(settings, name) for name in RUNNING}))
    return path
