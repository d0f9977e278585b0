"""The customer's computer in the demo: loads a mail's images and follows its links as mail program and browser would.

The newcomer who looks at the mailbox is logged in as an agent in the same browser. Requests from there would carry the
agent's session, and the portal would rightly say that only an agent looked. So the mailbox asks for what lies on the
portal itself, with a customer's programs; everything else is left to the browser.
"""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import httpx

MAIL_PROGRAM = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
IMAGE = {"User-Agent": MAIL_PROGRAM, "Accept": "image/avif,image/webp,image/png,*/*;q=0.8", "Accept-Language": "en"}
VISIT = {
    "User-Agent": BROWSER,
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "en",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
}
DEADLINE = 10.0
_ATTRIBUTE = re.compile(r"(\b(src|href)\s*=\s*)(\"[^\"]*\"|'[^']*')", re.IGNORECASE)


class Customer:
    """Asks the portal at `portal_url` as a customer would.

    transport: for tests; None is the network.
    """

    def __init__(self, portal_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._portal = portal_url.rstrip("/") + "/"
        self._transport = transport

    def through_mailbox(self, body: str, mail_path: str) -> str:
        """The mail's HTML with the portal's own images and links led through the mailbox."""

        def swap(found: re.Match[str]) -> str:
            url = html.unescape(found[3][1:-1]).strip()
            if not self.is_portal(url):
                return found[0]
            way = "image" if found[2].lower() == "src" else "follow"
            return f'{found[1]}"{mail_path}/{way}?url={quote(url, safe="")}"'

        return _ATTRIBUTE.sub(swap, body)

    def is_portal(self, url: str) -> bool:
        """Whether an address lies on the portal; the mailbox asks for no other."""
        return url.startswith(self._portal)

    async def image(self, url: str) -> tuple[str, bytes] | None:
        """Type and content of an image on the portal; None where it gives none."""
        answer = await self._ask(url, IMAGE)
        kind = answer.headers.get("content-type", "") if answer is not None else ""
        return (kind, answer.content) if answer is not None and kind.startswith("image/") else None

    async def follow(self, url: str) -> str | None:
        """Where a link on the portal leads: its redirect, or itself; None where the portal does not answer."""
        answer = await self._ask(url, VISIT)
        if answer is None:
            return None
        target = answer.headers.get("location", "") if answer.is_redirect else url
        return target if target.startswith(("http://", "https://")) else url

    async def _ask(self, url: str, headers: dict[str, str]) -> httpx.Response | None:
        if not self.is_portal(url):
            return None
        try:
            async with httpx.AsyncClient(timeout=DEADLINE, transport=self._transport, trust_env=False) as client:
                return await client.get(url, headers=headers, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
