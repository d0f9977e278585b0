"""What the portal and its modules give each other about pages: which one is shown, and which scripts go with it.

Plugins import them from `app.hookspecs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PageKind = Literal["public", "agent", "admin"]


@dataclass(frozen=True)
class PageView:
    """A page that is about to be shown, by what it is and not by whom or what it is about."""

    kind: PageKind
    """'public': for people who are not logged in. 'agent' and 'admin': for those who are, and may see it."""
    path: str
    """The route with names in place of what differs from page to page: "/tickets/:id"; without query."""
    sensitive: bool = False
    """A password is typed here, or whoever has the address needs nothing else: no place for code of strangers."""


@dataclass(frozen=True)
class PageScript:
    """One `<script>` element."""

    src: str
    """A path of this portal ("/…"), or an address with https://."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """async, defer, id, type, crossorigin, referrerpolicy, integrity and data-…; '' for one without a value."""


@dataclass(frozen=True)
class PageScripts:
    """What a module adds to a page. The page's Content-Security-Policy lets exactly these run."""

    scripts: tuple[PageScript, ...] = ()
    connect: tuple[str, ...] = ()
    """Where they may send to besides this portal: origins with https://."""
    tracks: bool = True
    """False only for what the page needs to work: everything else is left out for browsers that ask not to be tracked
    (`DNT: 1`, `Sec-GPC: 1`)."""
