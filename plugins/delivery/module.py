"""The module's hooks."""

from __future__ import annotations

from app.hookspecs import ModuleInfo, hookimpl


class DeliveryEvents:
    """Delivered, bounced, complained: what providers tell."""

    @hookimpl
    def module_info(self) -> ModuleInfo:
        """Who this is."""
        return ModuleInfo(
            slug="delivery",
            name="Delivery events",
            description="Shows what became of each mail: delivered, bounced or marked as spam, as your mail provider tells it.",
            icon="📬",
        )

    @hookimpl
    def receipt_states(self) -> frozenset[str]:
        """Providers tell of a mail's fate."""
        return frozenset({"delivered", "bounced", "complained"})
