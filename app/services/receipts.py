"""What is known of each copy of a reply: for plugins that learn something of it, and for pages that show it."""

from app.receipts.judging import VerdictRefused, judge
from app.receipts.machine_opens import MachineOpen
from app.receipts.machine_opens import forget as forget_machine_opens
from app.receipts.machine_opens import forget_before as forget_machine_opens_before
from app.receipts.machine_opens import note as note_machine_opens
from app.receipts.machine_opens import take_new as take_new_machine_opens
from app.receipts.models import Badge, Judgement, ReceiptPanel, RecipientReceipt, Report, TimelineLine
from app.receipts.service import badges, panels, refresh, report, visible_states

__all__ = [
    "Badge",
    "Judgement",
    "MachineOpen",
    "ReceiptPanel",
    "RecipientReceipt",
    "Report",
    "TimelineLine",
    "VerdictRefused",
    "badges",
    "forget_machine_opens",
    "forget_machine_opens_before",
    "judge",
    "note_machine_opens",
    "panels",
    "refresh",
    "report",
    "take_new_machine_opens",
    "visible_states",
]
