"""What classification would make of one request that somebody pastes. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from plugins.plausible.classify import RULES, Context, CopyHistory, Judgement, Request, Rule, Verdict, classify
from plugins.plausible.clients import Client, client_of
from plugins.plausible.events import CLICK, LONGEST_USER_AGENT, OPEN, clean_header
from plugins.plausible.networks import Entry, Networks, parse_address

LONGEST_PASTED = 100_000
"""Characters of a User-Agent."""
MOST_SECONDS = 31_536_000
"""A year."""
KINDS = ((OPEN, "Loaded the pixel"), (CLICK, "Followed a link"))
LANGUAGES = (("", "Not known"), ("yes", "Yes, as browsers do"), ("no", "No, as scripts do"))
NETWORK_WORDS = {
    "apple_relay": "Apple's mail privacy and Private Relay",
    "google": "Google",
    "microsoft": "Microsoft's mail protection",
    "gateway": "a mail gateway",
    "proxy": "a company's web proxy",
    "cloud": "a data centre",
}
_ADDRESS_SHOWN = 60
_HEADERS = {
    (OPEN, "yes"): (("accept", "image/avif,image/webp,*/*;q=0.8"), ("accept-language", "en")),
    (CLICK, "yes"): (("accept", "text/html"), ("accept-language", "en")),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One request, as far as it was told."""

    user_agent: str | None
    address: str
    """'' where none was given."""
    kind: str
    seconds: float | None
    """Since delivery."""
    language: str


@dataclass(frozen=True, slots=True)
class Found:
    """What is made of it."""

    verdict: Verdict
    judgement: Judgement
    rule: Rule
    client: Client
    networks: tuple[Entry, ...]


def read(form: Mapping[str, str]) -> tuple[Trial, dict[str, str]]:
    """The request that a form tells of, and what is wrong, by field."""
    errors: dict[str, str] = {}
    pasted = form.get("user_agent", "")
    if len(pasted) > LONGEST_PASTED:
        errors["user_agent"] = (
            f"{len(pasted):,} characters are too many, {LONGEST_PASTED:,} are allowed. Of a longer one only the "
            f"beginning is looked at: paste the first {LONGEST_USER_AGENT:,}."
        )
    address = form.get("address", "").strip()
    if address and parse_address(address) is None:
        shown = address if len(address) <= _ADDRESS_SHOWN else address[:_ADDRESS_SHOWN] + "…"
        errors["address"] = (
            f"{shown!r} is no IP address. Write it like 203.0.113.7 or 2001:db8::7, without a port, or leave it empty."
        )
    text = form.get("seconds", "").strip()
    seconds = _number(text)
    if text and seconds is None:
        errors["seconds"] = (
            f"{text[:_ADDRESS_SHOWN]!r} is no number of seconds. Write it like 12 or 0.5, at most {MOST_SECONDS:,}, "
            "negative for before delivery, or leave it empty."
        )
    kind = CLICK if form.get("kind") == CLICK else OPEN
    language = form.get("language", "")
    language = language if language in dict(LANGUAGES) else ""
    return Trial(clean_header(pasted, LONGEST_USER_AGENT), address, kind, seconds, language), errors


def try_out(trial: Trial, networks: Networks, *, now: datetime, stale: bool) -> Found:
    """Classify it alone, as if it came now.

    Rules that compare several requests cannot hold. stale: whether the list of networks is old.
    """
    link = "0" if trial.kind == CLICK else None
    request = Request(
        at=now,
        kind="click" if trial.kind == CLICK else "open",
        link=link,
        user_agent=trial.user_agent,
        headers=() if trial.language == "no" else _HEADERS.get((trial.kind, trial.language)),
        networks=networks.classes_of(trial.address),
        client=trial.address or None,
    )
    delivered = None if trial.seconds is None else now - timedelta(seconds=trial.seconds)
    # More links than the one that was followed: a click on the only one could be called "all links".
    context = Context(delivered_at=delivered, links=("0", "1", "2", "3"), networks_stale=stale)
    verdict = classify(CopyHistory(context, [request]))
    judgement = verdict.requests[0]
    rule = next(rule for rule in RULES if rule.name == judgement.rule)
    return Found(verdict, judgement, rule, client_of(trial.user_agent), networks.entries_of(trial.address))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= MOST_SECONDS else None
