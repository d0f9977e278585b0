"""Calls Plausible's other APIs: each answer is data, or a sentence that says what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from app.services import outbound
from plugins.plausible.readback.troubles import Api, bad_key, cleaned, no_data, of_error, of_status
from plugins.plausible.retry_after import seconds_of

TIMEOUT = 10.0
"""Seconds for each step of one request."""
MAX_ANSWER = 2_000_000


@dataclass
class Caller:
    """One instance and one site. now: aware, when it was made."""

    client: httpx.AsyncClient
    base_url: str
    site: str
    now: datetime
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Never repeated in words."""

    async def call(
        self,
        api: Api,
        method: str,
        path: str,
        *,
        auth: str,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> Any:
        """The JSON of a good answer. auth: the Authorization header. Raises Trouble for everything else."""
        if not (auth.isascii() and auth.isprintable()):
            raise bad_key(api)
        try:
            response = await self.client.request(
                method,
                f"{self.base_url}{path}",
                json=body,
                params=query,
                headers={"Authorization": auth, "Accept": "application/json"},
            )
        except (httpx.HTTPError, ValueError) as error:
            raise of_error(error) from None
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        found = _json(response.content) if kind == "application/json" else None
        if 200 <= response.status_code < 300:
            if not isinstance(found, dict):
                raise no_data(is_page=kind == "text/html")
            return found
        raise of_status(
            api,
            response.status_code,
            cleaned(_error_of(found), self.secrets),
            site=self.site,
            place=_place(response.headers.get("location", "")),
            quiet=seconds_of(response.headers.get("retry-after"), self.now),
        ) from None


def client() -> httpx.AsyncClient:
    """For `async with`: guarded as all calls to servers that an admin names."""
    return outbound.client(timeout=TIMEOUT, max_bytes=MAX_ANSWER, connections=2)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _error_of(answer: Any) -> str:
    """The words of {"error": "..."} or {"errors": [{"detail": "..."}]}."""
    if not isinstance(answer, dict):
        return ""
    if isinstance(answer.get("error"), str):
        return str(answer["error"])
    errors = answer.get("errors")
    details = [one.get("detail") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    return "; ".join(one for one in details if isinstance(one, str))


def _place(location: str) -> str:
    """Scheme and host of a redirect; its path may carry anything."""
    try:
        url = httpx.URL(location)
    except (httpx.InvalidURL, TypeError):
        return "nowhere"
    return f"{url.scheme}://{url.host}" if url.host else "another path"
