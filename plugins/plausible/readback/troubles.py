"""What keeps Plausible from answering, as a sentence with the way out. Pure.

Source of the refusals: the instance's own code and https://plausible.io/docs/stats-api; see docs/plausible.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import httpx

from app.services.outbound import NotResolved, Refused, TooLarge

LONGEST_SAID = 200
USUAL_QUIET = 900.0
"""Seconds for which a key is left alone where a 429 names no time."""


class Api(StrEnum):
    """Whose answer it is."""

    STATS = "Stats API"
    SITES = "Sites API"
    PLUGINS = "Plugins API"


class Trouble(Exception):
    """No answer that can be used, and why, for the admin. status: of the answer, 0 where none came.

    quiet: seconds for which nothing may be asked.
    """

    def __init__(self, words: str, *, status: int = 0, said: str = "", quiet: float | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.status = status
        self.said = said
        self.quiet = quiet


def of_status(api: Api, status: int, said: str, *, site: str, place: str = "", quiet: float | None = None) -> Trouble:
    """What a refusal means. said: the instance's own words. place: where a redirect leads."""
    quoted = f" Plausible says: “{said}”." if said else ""
    if status == 429:
        words = (
            "Plausible takes no more requests with this key for now (600 an hour on its cloud, and few within seconds)."
            " The portal asks again by itself"
        )
        return Trouble(f"{words}.{quoted}", status=status, said=said, quiet=quiet or USUAL_QUIET)
    return Trouble(f"{_meaning(api, status, site, place)}.{quoted}", status=status, said=said, quiet=quiet)


def _meaning(api: Api, status: int, site: str, place: str) -> str:
    if status == 401:
        return _not_let_in(api, site)
    if status == 402:
        return (
            f"Plausible's plan does not cover the {api} for {site}, or has lapsed: on its cloud it needs the plan "
            "Business or Enterprise. Sending events works without"
        )
    if status == 403:
        return (
            "Something in front of Plausible does not let the portal in (403): open the path /api/ for this server, or "
            "set the Base URL to Plausible itself"
        )
    if status == 404:
        return (
            f"There is no {api} at the Base URL (404): check the Base URL; where it is right, this Plausible is too "
            "old for it, so update it"
        )
    if 300 <= status < 400:
        return f"The Base URL leads elsewhere ({status}), to {place}: set the Base URL to where Plausible is itself"
    if status >= 500:
        return (
            f"Plausible failed ({status}), or what is in front of it did: look into its log. The portal asks again by "
            "itself"
        )
    return (
        f"Plausible did not take the question ({status}): compare site domain and names in the settings with Plausible"
    )


def _not_let_in(api: Api, site: str) -> str:
    if api is Api.STATS:
        return (
            f"Plausible does not take the API key for the site {site}: it was revoked or mistyped, belongs to another "
            "team, or the site has another name there. Make a key at Plausible (Account settings → API keys), replace "
            "it in the settings, and compare the site domain"
        )
    if api is Api.SITES:
        return (
            "The API key may not set up sites: it was revoked or mistyped, or is one for the Stats API only. Make one "
            "for the Sites API at Plausible (Account settings → API keys), or do it by hand as below"
        )
    return (
        "Plausible does not take the plugin token: it was removed or mistyped. Make one at Plausible (Site settings → "
        "Integrations → Plugin tokens) and replace it in the settings"
    )


def of_error(error: Exception) -> Trouble:
    """What it means that no answer came."""
    own = (str(error) or type(error).__name__)[:LONGEST_SAID]
    if isinstance(error, Refused | NotResolved):
        return Trouble(f"The portal cannot reach Plausible: {own}.")
    if isinstance(error, TooLarge):
        return Trouble("What answers at the Base URL sends too much to be Plausible: check the Base URL.")
    if isinstance(error, httpx.ConnectError) and "certificate" in own.lower():
        return Trouble(
            f"The certificate at the Base URL is not trusted: {own}. Renew it, or name its authority in SSL_CERT_FILE."
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Trouble(f"Plausible cannot be reached: {own}. Is it running, and the Base URL right?")
    if isinstance(error, httpx.TimeoutException):
        return Trouble("Plausible did not answer in time. The portal asks again by itself; is Plausible very busy?")
    if isinstance(error, ValueError):
        return Trouble(f"The Base URL cannot be used: {own}.")
    return Trouble("The connection to Plausible broke before the answer. The portal asks again by itself.")


def bad_key(api: Api) -> Trouble:
    """A key that cannot be sent, and so is none."""
    name = "plugin token" if api is Api.PLUGINS else "API key"
    return Trouble(f"The {name} holds characters that none has: copy it from Plausible again.")


def no_data(*, is_page: bool) -> Trouble:
    """An answer that looks well and is none."""
    if is_page:
        return Trouble(
            "A web page came instead of an answer: something else than Plausible is at the Base URL, such as a login "
            "in front of it. Set the Base URL to Plausible itself, or let the path /api/ through."
        )
    return Trouble(
        "The answer is none that Plausible gives: check the Base URL, and update a Plausible of your own that is old."
    )


def cleaned(said: str, secrets: Iterable[str]) -> str:
    """The instance's words in one line, cut, without anything secret in them."""
    for secret in secrets:
        if secret:
            said = said.replace(secret, "…")
    return " ".join("".join(one if one.isprintable() else " " for one in said).split())[:LONGEST_SAID].rstrip(".")
