"""How templates/tickets/_rows.html writes what a line of tickets says."""

from __future__ import annotations

from app.tickets.page import with_time
from app.tickets.rules import PRIORITIES, STATUSES

ROW_WORDS = {"statuses": STATUSES, "priorities": PRIORITIES, "with_time": with_time}
