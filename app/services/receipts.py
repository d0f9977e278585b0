"""What is known of each copy of a reply: for plugins that learn something of it, and for pages that show it."""

from app.receipts.judging import VerdictRefused, judge
from app.receipts.models import Badge, Judgement, ReceiptPanel, RecipientReceipt, Report, TimelineLine
from app.receipts.service import badges, panels, refresh, report, visible_states

__all__ = [
    "Badge",
    "Judgement",
    "ReceiptPanel",
    "RecipientReceipt",
    "Report",
    "TimelineLine",
    "VerdictRefused",
    "badges",
    "judge",
    "panels",
    "refresh",
    "report",
    "visible_states",
]
