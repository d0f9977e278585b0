"""What became of an event that was sent, read from the answer or from what went wrong. Pure.

Plausible has no idempotency: an event that is sent twice counts twice. So only what was certainly not processed is sent
again. Source: the instance's own code and its Events API; see docs/plausible.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import httpx

from app.services.outbound import NotResolved, Refused, TooLarge
from plugins.plausible.retry_after import seconds_of

DROPPED = "x-plausible-dropped"
LONGEST_WORDS = 300
FINAL_STATUS = frozenset({400, 406, 413, 414, 415, 422})
"""Sent again, the same event would get the same answer."""


class Outcome(StrEnum):
    """What an event comes to; WAITING is none yet.

    NO_PERSON: a machine's, or one of ours. REFUSED: the recipient wants no tracking. ERASED: on the recipient's demand.
    """

    ACCEPTED = "accepted"
    DROPPED = "dropped"
    REJECTED = "rejected"
    AMBIGUOUS = "ambiguous"
    TOO_OLD = "too_old"
    NO_PERSON = "no_person"
    REFUSED = "refused"
    ERASED = "erased"
    WAITING = "waiting"


@dataclass(frozen=True)
class Result:
    """Of one attempt."""

    outcome: Outcome
    words: str = ""
    """For the admin; no address, id or key of anybody in it."""
    is_fault: bool = False
    """Whether it says something of the instance: the others wait then."""
    wait: float | None = None
    """Seconds for which the instance asked for quiet."""


def of_answer(status: int, headers: httpx.Headers, body: bytes, *, now: datetime) -> Result:
    """What an answer says. now: aware, for a Retry-After that is a date."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if status == 202 and kind != "text/html":
        count = headers.get(DROPPED)
        if count is not None and count.strip() != "0":
            return Result(Outcome.DROPPED, "answered 202 and dropped it (x-plausible-dropped)")
        return Result(Outcome.ACCEPTED)
    if status in FINAL_STATUS:
        return Result(Outcome.REJECTED, f"answered {status}: {_errors(body, kind)}")
    if status in {500, 501} or (200 <= status < 300 and kind != "text/html"):
        # It may have counted the event before it failed.
        words = f"answered {status}, which does not say whether the event counts"
        return Result(Outcome.AMBIGUOUS, words, is_fault=True)
    words = f"answered {status}"
    if 300 <= status < 400:
        words += f", a redirect to {_place(headers.get('location', ''))}: set the Base URL to where Plausible is itself"
    elif kind == "text/html" and status < 300:
        words += " with a web page: something else than Plausible answers at the Base URL, such as a login"
    elif status == 404:
        words += ": there is no Plausible at the Base URL"
    elif status in {401, 403}:
        words += ": something in front of Plausible does not let us in"
    elif status == 429:
        words += ": too many at once"
    return Result(Outcome.WAITING, words, is_fault=True, wait=seconds_of(headers.get("retry-after"), now))


def of_error(error: Exception) -> Result:
    """What it means that no answer came."""
    if isinstance(error, Refused | NotResolved):
        return Result(Outcome.WAITING, f"could not be called: {_words(error)}", is_fault=True)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol):
        return Result(Outcome.WAITING, f"could not be reached: {_words(error)}", is_fault=True)
    if isinstance(error, ValueError):
        return Result(Outcome.WAITING, f"cannot be called: the Base URL {_words(error)}", is_fault=True)
    if isinstance(error, TooLarge):
        return Result(Outcome.AMBIGUOUS, "sent an answer too large to be Plausible's", is_fault=True)
    if isinstance(error, httpx.TimeoutException):
        return Result(Outcome.AMBIGUOUS, "did not answer in time; the event may count", is_fault=True)
    return Result(Outcome.AMBIGUOUS, "the connection broke before the answer; the event may count", is_fault=True)


def _errors(body: bytes, kind: str) -> str:
    """Plausible's own words of a 400: {"errors": {"domain": ["can't be blank"]}}."""
    if kind == "application/json":
        try:
            errors = json.loads(body)["errors"]
            return "; ".join(f"{field} {', '.join(map(str, words))}" for field, words in errors.items())[:LONGEST_WORDS]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass
    return "it does not say why"


def _place(location: str) -> str:
    """Scheme and host of a redirect; its path may carry anything."""
    try:
        url = httpx.URL(location)
    except (httpx.InvalidURL, TypeError):
        return "nowhere"
    return f"{url.scheme}://{url.host}" if url.host else "another path"


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:LONGEST_WORDS]
