"""What one process of the portal gives the module, and what is built on it."""

from __future__ import annotations

from dataclasses import dataclass

from app.hookspecs import PluginContext
from plugins.delivery.intake import Intake
from plugins.delivery.receiving import Receiver
from plugins.delivery.refusals import Refusals
from plugins.delivery.settings import DeliverySettings


@dataclass(frozen=True)
class Handles:
    """Built once per process."""

    context: PluginContext
    intake: Intake
    receiver: Receiver
    refusals: Refusals

    @classmethod
    def build(cls, context: PluginContext) -> Handles:
        """From what the portal gives."""
        settings = context.settings
        return cls(
            context,
            Intake(
                context.database,
                folder=settings.spool_folder / "delivery",
                cap_bytes=settings.spool_max_mb << 20,
                rules=lambda: _settings(context),
            ),
            Receiver(lambda: _settings(context)),
            Refusals(context.database),
        )

    @property
    def settings(self) -> DeliverySettings:
        """The module's settings now."""
        return _settings(self.context)


def _settings(context: PluginContext) -> DeliverySettings:
    found = context.module_settings()
    if not isinstance(found, DeliverySettings):
        raise TypeError(f"the module's settings are DeliverySettings, got {type(found).__name__}")
    return found
