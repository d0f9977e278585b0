"""Which program made a request, read from its User-Agent. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from plugins.plausible.client_names import NAMES, Kind

LONGEST_READ = 512
"""Characters; a User-Agent of 64 KB names its program in the first few."""


@dataclass(frozen=True, slots=True)
class Client:
    """One program."""

    kind: Kind
    name: str
    """For people: "Outlook for Windows", "Gmail's image proxy", "Chrome on Windows"."""
    engine: str = ""
    """chromium, gecko, webkit, msie or presto, where it is a browser; on Apple's phones all are webkit."""
    version: int = 0
    """The engine's major version; 0 where it does not say."""
    holdout: bool = False
    """The last version for an old system, which its owner cannot renew."""
    embedded: bool = False
    """A web view inside an app, renewed at the phone maker's pace."""


_MARKS = tuple((mark, kind, name) for kind, name, marks in NAMES for mark in marks)
# "Cubot" is a maker of phones.
_ROBOT_WORDS = re.compile(
    r"(?<!cu)bot(?:\b|_)|crawl|spider|slurp|scanner|scraper|archiver|fetcher|preview|validator|"
    r"(?:^|[ ;(])\+?https?://"
)
_ENGINES = (
    ("chromium", re.compile(r"\b(?:chrome|chromium)/(\d{1,4})")),
    ("gecko", re.compile(r"\bfirefox/(\d{1,4})")),
    ("msie", re.compile(r"\b(?:msie |trident/)(\d{1,4})")),
    ("presto", re.compile(r"\bopera/(\d{1,4})")),
)
# The last versions for systems that their owners cannot renew, as the release notes tell. Windows 7 and 8 stay with
# Chrome 109 and Firefox 115, Windows XP with 49 and 52; Edge 18 is what apps on Windows 10 show pages in.
_HOLDOUTS = {
    ("chromium", "Windows"): {49, 109},
    ("chromium", "a Mac"): {49, 67, 87, 103, 116, 128, 138},
    ("chromium", "Android"): {95, 106, 119, 138},
    ("gecko", "Windows"): {52, 115},
    ("gecko", "a Mac"): {45, 48, 78, 115},
}
_EDGE_IN_APPS = "edge/18."
_SAFARI = re.compile(r"\bversion/(\d{1,4})")
_BRANDS = (
    ("edg", "Edge"), ("opr/", "Opera"), ("opera", "Opera"), ("vivaldi", "Vivaldi"),
    ("samsungbrowser", "Samsung Internet"),
    ("firefox/", "Firefox"), ("fxios/", "Firefox"), ("chrome/", "Chrome"), ("crios/", "Chrome"),
    ("msie", "Internet Explorer"), ("trident/", "Internet Explorer"), ("safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("windows", "Windows"), ("iphone", "iPhone"), ("ipad", "iPad"), ("android", "Android"), ("mac os x", "a Mac"),
    ("cros", "ChromeOS"), ("linux", "Linux"),
)  # fmt: skip


_APPLES_APP = "Apple Mail or another app on "
_PLACES = (*(name for _, name in _SYSTEMS), "an unknown system")
_BY_NAME: dict[str, Kind] = {
    **{f"{brand} on {place}": Kind.BROWSER for _, brand in (*_BRANDS, ("", "a browser")) for place in _PLACES},
    **{f"{_APPLES_APP}{place}": Kind.MAIL_CLIENT for place in _PLACES},
    "a robot": Kind.ROBOT,
    "a program on no list": Kind.OTHER,
    "a program that does not say its name": Kind.NOTHING,
    "Apple Mail, loading images ahead": Kind.APPLE_AHEAD,
    **{name: kind for kind, name, _ in reversed(NAMES)},
}
"""All that `Client.name` can be but for apps that Android names, with what sort of program it is."""
_BEFORE_APPS = (Kind.NOTHING, Kind.APPLE_AHEAD)
_LISTED = frozenset(name for _, name, _ in NAMES)
_REDUCED = re.compile(
    r"(?P<name>.+?)"
    r"(?: \((?P<engine>[a-z]+) (?P<version>[0-9]{1,4})(?P<last>, last for its system)?(?P<app>, in an app)?\))?"
)


def reduced(user_agent: str) -> str:
    """A User-Agent without all that does not matter to anybody any more: "Firefox on Windows (gecko 140)".

    `client_of` reads the same program from it; something reduced stays as it is.
    """
    client = client_of(user_agent)
    if not client.engine and not client.version and not client.holdout and not client.embedded:
        return client.name
    marks = (", last for its system" if client.holdout else "") + (", in an app" if client.embedded else "")
    return f"{client.name} ({client.engine or 'version'} {client.version}{marks})"


def _read_reduced(text: str) -> Client | None:
    """What `reduced` wrote; None for anything else. Whoever sends such a text himself is believed as far as he would
    be with the program's own User-Agent.
    """
    found = _REDUCED.fullmatch(text)
    kind = _BY_NAME.get(found["name"]) if found else None
    if found is None or kind is None:
        return None
    engine = found["engine"] or ""
    return Client(
        kind,
        found["name"],
        "" if engine == "version" else engine,
        int(found["version"] or 0),
        bool(found["last"]),
        bool(found["app"]),
    )


def client_of(user_agent: str | None, app: str = "") -> Client:
    """The program behind a User-Agent. app: the X-Requested-With header, in which Android names the app."""
    return _read((user_agent or "")[:LONGEST_READ], app[:LONGEST_READ])


def client_words(user_agent: str) -> str:
    """For example "in Thunderbird"; '' where the name could be anybody's."""
    client = client_of(user_agent)
    if client.kind in (Kind.DISPLAY_PROXY, Kind.MINOR_PROXY):
        return f"through {client.name}"
    return f"in {client.name}" if client.kind is Kind.MAIL_CLIENT and client.engine != "webkit" else ""


@lru_cache(maxsize=2048)
def _read(user_agent: str, app: str) -> Client:
    kept = _read_reduced(user_agent)
    if kept is not None:
        # An app that Android names comes after the lists and before all that is guessed.
        named = _named_app(app.lower()) if app and kept.name not in _LISTED and kept.kind not in _BEFORE_APPS else ""
        return Client(Kind.MAIL_CLIENT, named, embedded=True) if named else kept
    agent = user_agent.strip().lower()
    if not agent:
        return Client(Kind.NOTHING, "a program that does not say its name")
    if agent == "mozilla/5.0":
        return Client(Kind.APPLE_AHEAD, "Apple Mail, loading images ahead")
    engine, version = _engine(agent)
    embedded = "; wv)" in agent or "electron/" in agent
    for mark, kind, name in _MARKS:
        if mark in agent:
            return Client(kind, name, engine if engine != "webkit" else "", version, embedded=embedded)
    if app:
        named = _named_app(app.lower())
        if named:
            return Client(Kind.MAIL_CLIENT, named, embedded=True)
    if _ROBOT_WORDS.search(agent):
        return Client(Kind.ROBOT, "a robot")
    if not engine:
        return Client(Kind.OTHER, "a program on no list")
    if engine == "webkit" and "safari/" not in agent:
        return Client(Kind.MAIL_CLIENT, f"{_APPLES_APP}{_system(agent)}", engine)
    brand = next((name for mark, name in _BRANDS if mark in agent), "a browser")
    system = _system(agent)
    holdout = version in _HOLDOUTS.get((engine, system), ()) or _EDGE_IN_APPS in agent
    return Client(Kind.BROWSER, f"{brand} on {system}", engine, version, holdout, embedded)


def _named_app(app: str) -> str:
    """The mail app of an Android package name; '' for other apps."""
    for mark, kind, name in _MARKS:
        if kind is Kind.MAIL_CLIENT and mark in app:
            return name
    return "a mail app on Android" if "mail" in app else ""


def _engine(agent: str) -> tuple[str, int]:
    for name, pattern in _ENGINES:
        found = pattern.search(agent)
        if found:
            return name, int(found[1])
    if "applewebkit" in agent:
        found = _SAFARI.search(agent)
        return "webkit", int(found[1]) if found else 0
    return "", 0


def _system(agent: str) -> str:
    return next((name for mark, name in _SYSTEMS if mark in agent), "an unknown system")
