"""Lists of networks as their publishers write them, read into entries. Pure.

Known by their form: Apple's CSV, Google's, Amazon's, Azure's and Microsoft 365's JSON, files like our own, and plain
lists of networks. A plain list says nothing of itself: its class and vendor stand in its name, "gateway.mimecast.txt",
or, for the lists of github.com/lord-alfred/ipranges, in the name of its folder, "amazon/ipv4_merged.txt".
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from typing import Any

from plugins.plausible.networks import CLASSES, Entry, NetworksError, parse

WIDEST = {4: 8, 6: 16}
"""The shortest prefix of a network about which anything can be said."""
_FOLDERS = {
    "amazon": ("cloud", "aws"),
    "digitalocean": ("cloud", "do"),
    "google": ("google", "google"),
    "googlebot": ("google", "google"),
    "linode": ("cloud", "linode"),
    "microsoft": ("cloud", "azure"),
    "oracle": ("cloud", "oracle"),
    "vultr": ("cloud", "vultr"),
}
"""Of github.com/lord-alfred/ipranges; its other folders are neither clouds nor known to us."""
_VENDOR = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
_LISTED = 40
"""Characters of a value that an error repeats."""

Group = tuple[str, str]
"""Class and vendor."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One downloaded list."""

    name: str
    """As its path was given."""
    text: str
    day: date
    """When it was downloaded."""


def entries_of(file: SourceFile) -> list[Entry]:
    """The networks of a list.

    Raises NetworksError, which names the file and the line, where its form or a network in it is not understood, where
    one is too wide, and where there is none: a download that failed must not pass for a list.
    """
    found = []
    for entry in _read(file):
        if entry.network.prefixlen < WIDEST[entry.network.version]:
            raise NetworksError(
                f"{file.name}: '{entry.network}' covers too much of the internet to say anything; the widest that are "
                f"taken are /{WIDEST[4]} of IPv4 and /{WIDEST[6]} of IPv6"
            )
        found.append(entry)
    if not found:
        raise NetworksError(f"{file.name} holds no networks; was it downloaded whole?")
    return found


def _read(file: SourceFile) -> Iterator[Entry]:
    text = file.text.lstrip("\ufeff")
    if text.lstrip().startswith(("{", "[")):
        yield from _from_json(file, text)
        return
    lines = text.splitlines()
    first = next((line for line in lines if line.partition("#")[0].strip()), "")
    if first.split()[:1] and first.split()[0] in CLASSES:
        yield from parse(text, name=file.name)
    elif "," in first:
        cells = (line.partition(",")[0] for line in lines)
        yield from _made(file, ("apple_relay", "apple"), "apple", cells, "line")
    else:
        group, source = _group_of(file.name)
        yield from _made(file, group, source, (line.partition("#")[0] for line in lines), "line")


def _from_json(file: SourceFile, text: str) -> Iterator[Entry]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NetworksError(f"{file.name}: broken JSON: {error}; was it downloaded whole?") from None
    if isinstance(data, list):
        # Microsoft 365's endpoints: those of its mail are what scans links and opens pixels in its name.
        mail = [row for row in _objects(data) if row.get("serviceArea") == "Exchange"]
        found = [cidr for row in mail for cidr in _list(row.get("ips"))]
        yield from _made(file, ("microsoft", "microsoft"), "m365", dict.fromkeys(map(str, found)), "entry")
    elif isinstance(data, dict) and "values" in data:
        found = [cidr for row in _objects(data["values"]) for cidr in _prefixes_of_azure(row)]
        yield from _made(file, ("cloud", "azure"), "azure", map(str, found), "entry")
    elif isinstance(data, dict) and "prefixes" in data:
        rows = [*_objects(data["prefixes"]), *_objects(data.get("ipv6_prefixes"))]
        if any("ip_prefix" in row for row in rows):
            found = [row.get("ip_prefix") or row.get("ipv6_prefix") or "" for row in rows]
            yield from _made(file, ("cloud", "aws"), "aws", map(str, found), "entry")
        else:
            group = ("cloud", "gcp") if any("service" in row for row in rows) else ("google", "google")
            found = [row.get("ipv4Prefix") or row.get("ipv6Prefix") or "" for row in rows]
            yield from _made(file, group, group[1], map(str, found), "entry")
    else:
        raise NetworksError(f"{file.name}: JSON of a form that is not known: no 'prefixes' and no 'values'")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _prefixes_of_azure(row: dict[str, Any]) -> list[Any]:
    properties = row.get("properties")
    return _list(properties.get("addressPrefixes")) if isinstance(properties, dict) else []


def _group_of(name: str) -> tuple[Group, str]:
    """Class and vendor of a plain list, and what is written as its source."""
    path = PurePath(name)
    kind, _, rest = path.name.partition(".")
    vendor = rest.partition(".")[0]
    if kind in CLASSES and _VENDOR.fullmatch(vendor):
        return (kind, vendor), "list"
    if path.name.startswith(("ipv4", "ipv6")) and path.parent.name in _FOLDERS:
        return _FOLDERS[path.parent.name], "ipr"
    raise NetworksError(
        f"{name}: a plain list needs its class and vendor in its name, such as 'gateway.mimecast.txt', or, from "
        f"lord-alfred/ipranges, its folder, such as 'amazon/ipv4_merged.txt'; classes are {', '.join(CLASSES)}, "
        "a vendor is a word in lower case"
    )


def _made(file: SourceFile, group: Group, source: str, cidrs: Iterable[str], unit: str) -> Iterator[Entry]:
    """unit: what the texts are in the file, for errors: lines, or entries."""
    for number, cidr in enumerate(cidrs, start=1):
        text = cidr.strip()
        if text:
            try:
                network = ipaddress.ip_network(text, strict=False)
            except ValueError:
                shown = text if len(text) <= _LISTED else text[:_LISTED] + "…"
                raise NetworksError(f"{file.name}, {unit} {number}: {shown!r} is no network") from None
            yield Entry(*group, network, source, file.day)
