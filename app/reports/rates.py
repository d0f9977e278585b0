"""From counts to shares. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from app.reports.models import Figures

DELIVERED, SENT = "delivered", "sent"


def base_of(total: Figures) -> str:
    """What open and click rates are of: delivered mails, or sent ones where nobody reports deliveries."""
    return DELIVERED if total.delivered or total.reported else SENT


@dataclass(frozen=True)
class Rates:
    """Shares between 0 and 1; None of nothing."""

    delivery: float | None
    open: float | None
    click: float | None
    bounce: float | None
    read: float | None


def rates(figures: Figures, base: str) -> Rates:
    """Delivery and bounce rate are of sent mails, open and click rate of `base`, read or answered of tracked ones."""
    whole = figures.delivered if base == DELIVERED else figures.sent
    return Rates(
        delivery=_share(figures.delivered, figures.sent),
        open=_share(figures.opened, whole),
        click=_share(figures.clicked, whole),
        bounce=_share(figures.bounced, figures.sent),
        read=_share(figures.readers, figures.tracked),
    )


def percent(share: float | None) -> str:
    """ "63.4 %"; an en dash of nothing."""
    return "–" if share is None else f"{100 * share:.1f} %"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None
