"""Addresses that get no mail, or no announcements."""

from app.suppressions.errors import SuppressionRefused
from app.suppressions.models import New, Suppression
from app.suppressions.rules import refusal, why
from app.suppressions.service import add, check, find, removals

__all__ = ["New", "Suppression", "SuppressionRefused", "add", "check", "find", "refusal", "removals", "why"]
