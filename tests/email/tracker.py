"""A plugin that tracks as a real one does, without a table of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.hookspecs import Delivery, DeliveryReport, ModuleInfo, Prepared, QueuedMail, hookimpl


@dataclass
class Tracker:
    """Puts a mark into each copy; remembers what it was told."""

    enabled: bool = True
    breaks: bool = False
    notice: str | None = "opens"
    note: str = ""
    queued: list[QueuedMail] = field(default_factory=list)
    given: list[Delivery] = field(default_factory=list)
    reports: list[DeliveryReport] = field(default_factory=list)

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("tracker", "Tracker", "Marks mails.", "🧪")

    @hookimpl
    def tracking_notice(self) -> str | None:
        return self.notice

    @hookimpl
    def receipt_states(self) -> frozenset[str]:
        return frozenset({"read"})

    @hookimpl
    async def email_queued(self, mail: QueuedMail) -> None:
        self.queued.append(mail)

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        if self.breaks:
            raise RuntimeError("the tracker is broken")
        self.given.append(delivery)
        if not delivery.enable_tracking or delivery.reply_id is None:
            return None
        mark = f"<i>mark:{delivery.recipient.tracking_id}</i>"
        return Prepared(delivery.html + mark, frozenset({"opens"}), note=self.note)

    @hookimpl
    async def email_sent(self, report: DeliveryReport) -> None:
        self.reports.append(report)

    @hookimpl
    async def email_failed(self, report: DeliveryReport) -> None:
        self.reports.append(report)
