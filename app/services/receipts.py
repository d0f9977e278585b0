"""What is known of each copy of a reply: for plugins that learn something of it, and for pages that show it."""

from app.receipts.models import Badge, ReceiptPanel, RecipientReceipt, TimelineLine
from app.receipts.service import UnknownCopy, badges, panels, refresh, report, visible_states

__all__ = [
    "Badge",
    "ReceiptPanel",
    "RecipientReceipt",
    "TimelineLine",
    "UnknownCopy",
    "badges",
    "panels",
    "refresh",
    "report",
    "visible_states",
]
