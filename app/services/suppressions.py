"""Addresses that get no mail, or no announcements."""

from app.suppressions.errors import SuppressionRefused
from app.suppressions.models import New, Suppression
from app.suppressions.rules import refusal, why
from app.suppressions.service import add, check, find, removals
from app.suppressions.unsubscribing import count_of_mailing, subscribe, unsubscribe, unsubscribed, wants_none

__all__ = [
    "New",
    "Suppression",
    "SuppressionRefused",
    "add",
    "check",
    "count_of_mailing",
    "find",
    "refusal",
    "removals",
    "subscribe",
    "unsubscribe",
    "unsubscribed",
    "wants_none",
    "why",
]
