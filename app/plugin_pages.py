"""The hook for scripts on pages: what a module gives is looked at before a browser gets it."""

from __future__ import annotations

import functools
import re

from app.hookspecs import PageScript, PageScripts, PageView
from app.plugin_calls import DEADLINE, PluginCalls, in_thread

MOST_SCRIPTS = 5
LONGEST = 500
"""Characters of an address or an attribute's value."""
_HOST = r"(?P<scheme>https?)://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?"
# What would end a source or a directive of the policy (spaces, ';', ',', quotes) is in none of them.
ORIGIN = re.compile(_HOST, re.ASCII)
ADDRESS = re.compile(rf"(?P<source>{_HOST}/[A-Za-z0-9._~%/-]*)(?:\?[A-Za-z0-9._~%/&=-]*)?", re.ASCII)
OWN_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~%/-]*(?:\?[A-Za-z0-9._~%/&=-]*)?", re.ASCII)
ATTRIBUTE = re.compile(r"async|defer|id|type|crossorigin|referrerpolicy|integrity|data-[a-z0-9-]{1,40}", re.ASCII)


class PageCalls(PluginCalls):
    """Calls it while the module is enabled."""

    async def page_scripts(self, page: PageView, *, https: bool) -> list[PageScripts]:
        """What the modules add to a page. https: whether the page itself comes so: nothing else may run in it then."""
        found = []
        for slug, call in self._implementations("page_scripts", enabled=True):
            work = in_thread(functools.partial(call, page=page))
            answer = await self._await(slug, "page_scripts", work, DEADLINE)
            if answer is None or not self._is(slug, answer, PageScripts):
                continue
            fault = fault_of(answer, https=https)
            if fault:
                self._report(slug, "page_scripts", f"{fault}; the page goes out without its scripts")
            else:
                found.append(answer)
        return found


def source_of(script: PageScript) -> str | None:
    """What a policy has to allow for this script to run; None for one of the portal's own."""
    match = ADDRESS.fullmatch(script.src)
    return match["source"] if match else None


def fault_of(given: PageScripts, *, https: bool) -> str:
    """Why a page cannot carry these; '' where it can."""
    if not isinstance(given.scripts, tuple) or not isinstance(given.connect, tuple):
        return "returned scripts or origins that are no tuple"
    if len(given.scripts) > MOST_SCRIPTS or len(given.connect) > MOST_SCRIPTS:
        return f"returned more than {MOST_SCRIPTS} scripts or origins"
    for origin in given.connect:
        match = ORIGIN.fullmatch(origin) if isinstance(origin, str) else None
        if match is None or (https and match["scheme"] != "https"):
            return f"an origin to connect to must be like https://stats.example.com, got {origin!r}"
    return next((fault for fault in (_fault_of_script(script, https) for script in given.scripts) if fault), "")


def _fault_of_script(script: PageScript, https: bool) -> str:
    if not isinstance(script, PageScript) or not isinstance(script.src, str) or len(script.src) > LONGEST:
        return "returned something else than a PageScript with an address"
    match = ADDRESS.fullmatch(script.src)
    if not OWN_PATH.fullmatch(script.src) and (match is None or (https and match["scheme"] != "https")):
        return f"a script's address must be a path of the portal or start with https://, got {script.src!r}"
    for name, value in script.attributes.items():
        if not isinstance(name, str) or not ATTRIBUTE.fullmatch(name):
            return f"a script may not have the attribute {name!r}"
        if not isinstance(value, str) or len(value) > LONGEST or not (value.isprintable() or not value):
            return f"the attribute {name} must be a line of at most {LONGEST} characters"
    return ""
