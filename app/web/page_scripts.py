"""Scripts that modules add to pages: which page it is, who wants none, and what its Content-Security-Policy allows."""

from __future__ import annotations

import re
from typing import Any

from quart import Quart, Response, current_app, g, request
from werkzeug.routing import Rule

from app.hookspecs import PageKind, PageScript, PageScripts, PageView
from app.plugin_pages import source_of
from app.runtime import current
from app.web.access import ACCESS, SENSITIVE
from app.web.nonce import script_nonce

PLACEHOLDER = re.compile(r"<(?:[^<>]*:)?(?:\w*_)?(?P<name>[a-z0-9]+)>", re.ASCII)
"""A part of a route: of `<int:ticket_id>` the last word, "id", is enough to say what stood there."""
KINDS: dict[str, PageKind] = {"open": "public", "anonymous": "public", "admin": "admin"}


def install(app: Quart) -> None:
    """Give the templates `page_scripts()`."""
    app.context_processor(lambda: {"page_scripts": _page_scripts})


async def _page_scripts() -> list[PageScript]:
    """The elements for the page of this request; the shell asks for them once."""
    page = _this_page()
    if page is None:
        return []
    found = await current().plugins.page_scripts(page, https=current().settings.is_https)
    # The answer differs by these headers also for who got the scripts: a cache in between must know.
    g.scripts_may_differ = any(one.tracks for one in found)
    kept = [one for one in found if not (one.tracks and opted_out())]
    g.page_scripts = kept
    return [script for one in kept for script in one.scripts]


def opted_out() -> bool:
    """Whether this request's browser asks not to be tracked: Do Not Track, or Global Privacy Control."""
    return any(request.headers.get(name, "").strip() == "1" for name in ("DNT", "Sec-GPC"))


def no_scripts() -> None:
    """Leave modules' scripts out of what is shown now, such as an error: it is no page that somebody visited."""
    g.is_no_page, g.page_scripts = True, []


def _this_page() -> PageView | None:
    """None for what is no page view: a form shown again, an error, an address of nothing."""
    if request.method != "GET" or g.get("is_no_page") or request.url_rule is None:
        return None
    return page_of(request.url_rule, current_app.view_functions.get(request.endpoint or ""))


def page_of(rule: Rule, view: Any) -> PageView | None:
    """The page that a route shows; None where its path cannot be told without what differs from page to page."""
    path = PLACEHOLDER.sub(lambda match: f":{match['name']}", rule.rule)
    if "<" in path or ">" in path:
        return None
    kind = KINDS.get(getattr(view, ACCESS, "user"), "agent")
    # Who needs no login for a page with an address of its own needs nothing but that address.
    return PageView(kind, path, bool(getattr(view, SENSITIVE, False)) or (kind == "public" and bool(rule.arguments)))


def all_pages() -> frozenset[PageView]:
    """All pages that this portal can show."""
    rules = current_app.url_map.iter_rules()
    pages = (
        page_of(rule, current_app.view_functions.get(rule.endpoint)) for rule in rules if "GET" in (rule.methods or ())
    )
    return frozenset(page for page in pages if page is not None)


def policy(own: str) -> str:
    """The Content-Security-Policy of a page that is made from our templates: `own` with the nonce of this answer in the
    place of `script-src 'self'`, and where the page carries scripts of modules what lets them run.

    Not 'self': then a file that somebody uploaded could not run either, were it ever given out as a script.
    """
    given: list[PageScripts] = g.get("page_scripts") or []
    scripts = _joined([source_of(script) for one in given for script in one.scripts])
    connect = _joined([origin for one in given for origin in one.connect])
    sources = f"'nonce-{script_nonce()}' {scripts}".rstrip()
    own = own.replace("script-src 'self'", f"script-src {sources}")
    return f"{own}; connect-src 'self' {connect}" if connect else own


def _joined(sources: list[str | None]) -> str:
    return " ".join(dict.fromkeys(source for source in sources if source))


def mark(response: Response) -> None:
    """Tell caches what else than the address the page depends on."""
    if g.get("scripts_may_differ"):
        response.vary.update(("DNT", "Sec-GPC"))
