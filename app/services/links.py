"""Signed links without a login, in mails: one key for each purpose, and void in bodies that come back as quotes."""

from app.consent.footer import without_tokens
from app.consent.links import CopyLinks

__all__ = ["CopyLinks", "without_tokens"]
