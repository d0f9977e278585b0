"""Which destinations are tracked, by the options of one call."""

import re
from collections.abc import Callable, Collection

from plugins.plausible.rewriter import destinations
from plugins.plausible.rewriter.decisions import Reason

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*+:")


class LinkRules:
    """The options of ``rewrite`` that look at the destination alone; described there.

    Raises ValueError for an own URL that is not absolute.
    """

    def __init__(
        self,
        *,
        links_off: bool = False,
        own_urls: Collection[str] = (),
        already_tracked: Callable[[str], bool] | None = None,
        untracked: Collection[str] = (),
        sensitive: bool = False,
        skip_credentials: bool = False,
    ) -> None:
        self._off = Reason.LINKS_OFF if links_off else Reason.SENSITIVE if sensitive else None
        self._own = destinations.origins(own_urls)
        self._already_tracked = already_tracked
        self._untracked = frozenset(untracked)
        self._skip_credentials = skip_credentials

    def reason(self, url: str) -> Reason:
        """Decide about a cleaned URL: TRACKED, or the first rule that speaks against it."""
        address = destinations.parse(url)
        if address is None:
            return why_no_web_address(url)
        if self._off is not None:
            return self._off
        if self._already_tracked is not None and self._already_tracked(url):
            return Reason.ALREADY_TRACKED
        if self._own and address.origin in self._own:
            return Reason.OWN
        if url in self._untracked:
            return Reason.UNTRACKED
        if self._skip_credentials and address.has_credentials:
            return Reason.CREDENTIALS
        return Reason.TRACKED


def why_no_web_address(url: str) -> Reason:
    """Say in more detail why a cleaned URL is not an absolute http(s) address."""
    if url.startswith("#"):
        return Reason.IN_MAIL
    if url.startswith(("//", "\\\\")):
        return Reason.SCHEME_RELATIVE
    scheme = _SCHEME.match(url)
    if scheme is None:
        return Reason.RELATIVE
    return Reason.INVALID if scheme[0].lower() in {"http:", "https:"} else Reason.OTHER_SCHEME
