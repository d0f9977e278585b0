"""Going to our own address: whether it is reached from outside, as far as can be told, and what answers."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from app.outbound.ourselves import visit
from tests.outbound.test_client import OK, names, serving
from tests.support.certificates import certificates


@pytest.mark.parametrize(("days", "near"), [(90, False), (3, False), (1, True)])
async def test_a_certificate_near_its_end_is_said(tmp_path: Path, days: int, near: bool) -> None:
    """It is 10 days old: of 11 days one is less than a sixth, of 13 three are more."""
    authority, context = certificates(tmp_path, name="help.example.org", days=days)
    verify = ssl.create_default_context(cafile=str(authority))
    async with serving(OK, context) as server:
        url = f"https://help.example.org:{server.port}"
        found = await visit(url, ["/", "/x"], timeout=2, resolver=names(["127.0.0.1"]), verify=verify)
    assert [answer.text for answer in found.answers] == ["ok", "ok"]
    assert (found.ends is not None) == near
    assert found.inside == "from here help.example.org leads inside (127.0.0.1 is this machine)"


@pytest.mark.parametrize(
    ("host", "leads_to", "words"),
    [
        ("help.example.org", ["93.184.216.34", "2606:2800:220:1::1"], ""),
        ("93.184.216.34", ["93.184.216.34"], ""),
        ("help.example.org", ["93.184.216.34", "fd00::1"], "fd00::1 is no public IPv6 address"),
        ("help.example.org", ["100.64.0.9"], "100.64.0.9 is a provider's inner network"),
        ("localhost", ["127.0.0.1"], "without a dot"),
        ("x.home.arpa", ["93.184.216.34"], ".home.arpa exist in no public name server"),
    ],
)
async def test_what_speaks_against_being_reached_from_outside(
    host: str, leads_to: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await visit(f"https://{host}:1", [], timeout=1, resolver=names(leads_to))
    assert words in found.inside
    assert bool(words) == bool(found.inside)
