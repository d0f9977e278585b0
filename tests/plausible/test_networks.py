"""The list of networks: the shipped file, and looking an address up in it."""

from __future__ import annotations

import ipaddress
from datetime import date, timedelta
from pathlib import Path

import pytest

from plugins.plausible import networks
from plugins.plausible.networks import Networks, NetworksError, parse

DAY = date(2026, 7, 1)


def test_the_shipped_file_is_small_and_knows_the_networks_that_matter() -> None:
    shipped = networks.load()

    assert networks.SHIPPED.stat().st_size < 10_000
    assert shipped.classes_of("172.225.1.2") == {"apple_relay"}
    assert shipped.classes_of("2a02:26f7:e8c1::1") == {"apple_relay"}
    assert shipped.classes_of("2a09:bac3::1") == {"apple_relay"}
    assert shipped.classes_of("66.249.85.1") == {"google"}
    assert shipped.classes_of("40.107.1.2") == {"microsoft"}
    assert shipped.classes_of("209.222.82.1") == {"gateway"}
    assert shipped.classes_of("165.225.3.4") == {"proxy"}
    assert shipped.classes_of("52.1.2.3") == {"cloud"}
    assert not shipped.is_stale(date(2026, 11, 20))


@pytest.mark.parametrize("net", ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "10.0.0.0/8"])
def test_the_shipped_file_says_nothing_of_addresses_that_stand_for_any(net: str) -> None:
    assert not any(
        entry.network.version == ipaddress.ip_network(net).version and entry.network.overlaps(ipaddress.ip_network(net))
        for entry in networks.load().entries
    )


def test_an_address_is_looked_up_in_every_form() -> None:
    found = Networks(parse("cloud a 192.0.2.0/24 s 2026-01-01\ngateway b 192.0.2.128/25 s 2026-01-01"))

    assert found.classes_of("192.0.2.1") == {"cloud"}
    assert found.classes_of("192.0.2.200") == {"cloud", "gateway"}
    assert found.classes_of("::ffff:192.0.2.1") == {"cloud"}
    assert found.classes_of("fe80::1%eth0") == frozenset()
    assert [found.classes_of(wrong) for wrong in (None, "", "192.0.2", "<b>", "١.1.1.1")] == [frozenset()] * 5


def test_agents_and_the_portal_are_added_by_whom_knows_them() -> None:
    found = Networks(parse("cloud a 192.0.2.0/24 s 2026-01-01"))

    assert found.classes_of("192.0.2.1", agents={"192.0.2.1"}) == {"cloud", "agent"}
    assert found.classes_of("192.0.2.1", portal={"192.0.2.1"}) == {"cloud", "portal"}
    assert found.classes_of("192.0.2.1") == {"cloud"}


def test_a_file_is_as_old_as_its_oldest_line_and_stale_after_a_year() -> None:
    found = Networks(parse("cloud a 192.0.2.0/24 s 2026-01-01\ncloud a 198.51.100.0/24 s 2026-05-01"))

    assert found.day == date(2026, 1, 1)
    assert not found.is_stale(date(2026, 1, 1) + timedelta(days=365))
    assert found.is_stale(date(2026, 1, 1) + timedelta(days=366))
    assert Networks(()).is_stale(DAY)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("cloud aws 192.0.2.0/24 s", "line 2: expected 'class vendor network source day', found 4 words"),
        ("clouds aws 192.0.2.0/24 s 2026-01-01", "line 2: unknown class 'clouds'"),
        ("cloud aws 192.0.2.1/24 s 2026-01-01", "line 2: '192.0.2.1/24' is no network: .*host bits"),
        ("cloud aws 192.0.2.0/24 s 2026-13-01", "line 2: '2026-13-01' is no day"),
    ],
)
def test_a_line_that_is_wrong_is_named(line: str, complaint: str) -> None:
    with pytest.raises(NetworksError, match=complaint):
        parse(f"# a comment\n{line}")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "networks.txt").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(NetworksError, match="not UTF-8"):
        networks.load(tmp_path / "networks.txt")


def test_the_lines_that_hold_an_address_can_be_shown() -> None:
    found = Networks(parse("cloud a 192.0.2.0/24 s 2026-01-01\ngateway b 2001:db8::/32 s 2026-01-01"))

    assert [entry.vendor for entry in found.entries_of("::ffff:192.0.2.9")] == ["a"]
    assert [entry.vendor for entry in found.entries_of("2001:db8::7")] == ["b"]
    assert found.entries_of("nonsense") == ()
