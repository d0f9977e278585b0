"""The body of POST /api/event: what it means, and what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from tests.support.plausible.http import Request

MAX_TEXT_BODY = 1_000_000
MAX_JSON_BODY = 8_000_000
MAX_NAME = 120
MAX_URL = 2_000
MAX_REFERRER = 2_000
MAX_PROPS = 30
MAX_KEY = 300
MAX_VALUE = 2_000

Errors = dict[str, list[str]]


class Unreadable(Exception):
    """The body cannot be parsed at all: `status`, and errors where Plausible names them."""

    def __init__(self, status: int, errors: Errors | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors or {}


@dataclass(frozen=True)
class Payload:
    """A valid body. domains: the sites to count it for, as sent but for white space and `www.`."""

    name: str
    url: str
    hostname: str
    pathname: str
    domains: tuple[str, ...]
    referrer: str | None
    props: Mapping[str, str]
    revenue: Mapping[str, object] | None
    interactive: bool


def parse(request: Request) -> Mapping[str, object]:
    """The JSON object of a body; raises Unreadable."""
    given = request.header("content-type")
    if given is None:
        return {}
    kind = given.partition(";")[0].strip().lower()
    if kind == "application/json":
        if len(request.body) > MAX_JSON_BODY:
            raise Unreadable(413)
        try:
            value = _decode(request.body)
        except ValueError:
            raise Unreadable(400) from None
        return value if isinstance(value, dict) else {}
    if kind != "text/plain" or len(request.body) > MAX_TEXT_BODY:
        raise Unreadable(400, {"request": ["Unable to parse request body as json"]})
    try:
        value = _decode(request.body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Unreadable(400, {"request": ["Unable to parse request body as json"]})
    return value


def validate(body: Mapping[str, object]) -> tuple[Payload | None, Errors]:
    """Read the fields; errors by field where there is something wrong, no payload then."""
    errors: Errors = {}
    name = _name(_first(body, "n", "name"), errors)
    url, hostname, host, pathname = _url(_first(body, "u", "url"), _hash_mode(body, errors), errors)
    domains = _domains(_first(body, "d", "domain"), host, errors)
    props = _props(_first(body, "m", "meta", "p", "props"), errors)
    referrer = _first(body, "r", "referrer")
    revenue = _first(body, "revenue", "$")
    interactive = _first(body, "i", "interactive")
    if errors:
        return None, errors
    return Payload(
        name=name,
        url=url,
        hostname=hostname,
        pathname=pathname,
        domains=domains,
        referrer=referrer[:MAX_REFERRER] if isinstance(referrer, str) else None,
        props=props,
        revenue=_object(revenue),
        interactive=interactive if isinstance(interactive, bool) else True,
    ), {}


def _first(body: Mapping[str, object], *names: str) -> object:
    return next((body[name] for name in names if body.get(name) is not None), None)


def _name(given: object, errors: Errors) -> str:
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if given is None or (isinstance(given, str) and not given.strip()):
        errors["event_name"] = ["can't be blank"]
    elif not isinstance(given, str):
        errors["event_name"] = ["is invalid"]
    elif len(given) > MAX_NAME:
        errors["event_name"] = [f"should be at most {MAX_NAME} character(s)"]
    return given if isinstance(given, str) else ""


def _hash_mode(body: Mapping[str, object], errors: Errors) -> bool:
    given = _first(body, "h", "hashMode")
    if given is not None and (not isinstance(given, int) or isinstance(given, bool)):
        errors["hash_mode"] = ["is invalid"]
    return given == 1


def _url(given: object, hash_mode: bool, errors: Errors) -> tuple[str, str, str | None, str]:
    """URL, host as stored, host or None, path."""
    nothing = ("", "(none)", None, "/")
    if given is None:
        errors["url"] = ["is required"]
        return nothing
    if not isinstance(given, str) or len(given.encode()) > MAX_URL:
        errors["url"] = ["must be a valid url"]
        return nothing
    try:
        parts = urlsplit(given)
        host = parts.netloc.rpartition("@")[2]
        # Not `parts.hostname`: it would lower the case, which Plausible does not.
        host = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    except ValueError:
        errors["url"] = ["must be a valid url"]
        return nothing
    if parts.scheme == "data":
        errors["url"] = ["scheme is not allowed"]
        return nothing
    path = unquote(parts.path or "/").rstrip()
    if hash_mode and parts.fragment:
        path += "#" + unquote(parts.fragment)
    bare = host.strip().removeprefix("www.") or None
    return given, bare or "(none)", bare, path


def _domains(given: object, host: str | None, errors: Errors) -> tuple[str, ...]:
    if isinstance(given, str):
        if given.strip():
            return tuple(one.strip().removeprefix("www.") for one in given.split(","))
    elif host is not None:
        return (host,)
    errors["domain"] = ["can't be blank"]
    return ()


def _props(given: object, errors: Errors) -> dict[str, str]:
    kept = {}
    for key, value in (_object(given) or {}).items():
        text = _text(value)
        if key.strip() and text is not None and text.strip():
            kept[key] = text
    if len(kept) > MAX_PROPS:
        # Which ones survive is of no useful order.
        shuffled = sorted(kept, key=lambda key: hashlib.blake2b(key.encode()).digest())
        kept = {key: kept[key] for key in shuffled[:MAX_PROPS]}
    if any(len(key.encode()) > MAX_KEY or len(value.encode()) > MAX_VALUE for key, value in kept.items()):
        errors["props"] = [f"keys should have at most {MAX_KEY} bytes and values {MAX_VALUE} bytes"]
    return kept


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


def _object(given: object) -> dict[str, object] | None:
    if isinstance(given, str):
        try:
            given = _decode(given.encode())
        except ValueError:
            return None
    return given if isinstance(given, dict) else None


def _decode(body: bytes) -> object:
    return json.loads(body.decode("utf-8"), parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
