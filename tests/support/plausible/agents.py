"""Which user agents device-detector's list, as Plausible uses it, takes for bots."""

from __future__ import annotations

import re

UNPARSED = 8_000
"""Bytes from which a user agent is not looked at."""
_BOTS = re.compile(
    r"""
    GoogleImageProxy | YahooMailProxy | SeznamEmailProxy | BingPreview | SkypeUriPreview | Applebot | Slackbot
    | Barracuda\ Sentinel | X-User/ | X-AI/ | HeadlessChrome
    | (?:bot|crawler|proxy|checker|monitor|scanner|script|uptime)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_EXACT = re.compile(r"(?:node|chrome|Mozilla/5\.0 \(compatible\))", re.IGNORECASE)


def is_bot(user_agent: str) -> bool:
    """Whether an event with this user agent is dropped."""
    if len(user_agent.encode()) >= UNPARSED:
        return False
    return bool(_BOTS.search(user_agent) or _EXACT.fullmatch(user_agent))


def is_verification(user_agent: str) -> bool:
    """Whether this is Plausible's own check of an installation."""
    return user_agent.startswith("Plausible Verification Agent")
