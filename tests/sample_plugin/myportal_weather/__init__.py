"""Ends each mail with today's weather. A sample of a plugin from elsewhere; it needs no change in the portal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from pydantic import Field, SecretStr
from quart import Blueprint, abort, render_template
from quart.typing import ResponseReturnValue

from app.hookspecs import (
    Delivery,
    DeliveryReport,
    ModuleInfo,
    ModuleSettings,
    NavItem,
    PluginContext,
    Prepared,
    hookimpl,
)
from app.services import cli

HERE = Path(__file__).parent


class WeatherSettings(ModuleSettings):
    """What an admin may set."""

    sentence: str = Field(
        "It is sunny.", title="Sentence", description="Stands at the end of each mail.", max_length=100
    )
    station_key: SecretStr | None = Field(None, title="Station key", description="Of the weather station.")
    decimals: int = Field(1, title="Decimals", ge=0, le=3, json_schema_extra={"env": "WEATHER_DECIMALS"})


class WeatherPlugin:
    """The plugin object; holds what the portal gives it."""

    context: PluginContext

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("weather", "Weather", "Ends each mail with the weather.", "⛅", WeatherSettings)

    @hookimpl
    def migrations(self) -> Path:
        return HERE / "migrations"

    @hookimpl
    def templates(self) -> Path:
        return HERE / "templates"

    @hookimpl
    def started(self, context: PluginContext) -> None:
        self.context = context

    @hookimpl
    def commands(self) -> Sequence[click.Command]:
        @click.command("weather-mails")
        def weather_mails() -> None:
            """Say how many mails went out with the weather."""
            click.echo(cli.run(self._count))

        return [weather_mails]

    @hookimpl
    def blueprints(self) -> Sequence[Blueprint]:
        pages = Blueprint("weather", __name__)

        @pages.get("/weather")
        async def page() -> ResponseReturnValue:
            if not self.context.is_enabled():
                abort(404)
            count = await self._count()
            return await render_template("weather/page.html", count=count, sentence=self._settings().sentence)

        return [pages]

    @hookimpl
    def navigation(self) -> Sequence[NavItem]:
        return [NavItem("Weather", "/weather", "chart")]

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        return Prepared(f"{delivery.html}<p>{self._settings().sentence}</p>")

    @hookimpl
    async def email_sent(self, report: DeliveryReport) -> None:
        async with self.context.database.transaction() as conn:
            await conn.execute(
                "INSERT INTO weather_mails (mail_id, email) VALUES (%(mail)s, %(email)s)",
                {"mail": report.mail_id, "email": report.recipient.email},
            )

    async def _count(self) -> int:
        async with self.context.database.connection() as conn:
            return int(await conn.fetch_value("SELECT COUNT(*) FROM weather_mails"))

    def _settings(self) -> WeatherSettings:
        settings = self.context.module_settings()
        assert isinstance(settings, WeatherSettings)
        return settings


plugin = WeatherPlugin()
