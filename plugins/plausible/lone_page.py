"""Pages for strangers that stand alone: for links that are not ours, and behind the hidden link.

They repeat nothing of the request.
"""

from __future__ import annotations

from typing import Any


class LonePage:
    """Rendered once, because strangers may ask for it at any rate they like.

    Not by render_template: what the pages of the portal carry with them (cookie, form token) has no place here.
    """

    def __init__(self, template: str) -> None:
        self._template = template
        self._templates: Any = None
        self._page: bytes | None = None

    def take_from(self, templates: Any) -> None:
        """Take the Jinja environment of the application, which exists once the blueprint is registered."""
        self._templates = templates

    async def __call__(self) -> bytes:
        """The page in UTF-8."""
        if self._page is None:
            if self._templates is None:
                raise RuntimeError("the blueprint of the page was not registered")
            page = await self._templates.get_template(self._template).render_async()
            self._page = page.encode()
        return self._page
