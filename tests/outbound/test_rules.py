"""Which addresses the portal may connect to."""

from __future__ import annotations

import pytest

from app.outbound.rules import Allowed, reason_against, split

NOBODY = Allowed()


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.255.1.2", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
        "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:2::1", "2001:db8::1", "2002:7f00:1::",
        "2002:a00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1",
        "ff02::1", "fd00:ec2::254", "not an address", "",
    ],
)  # fmt: skip
def test_what_leads_inside_is_refused(address: str) -> None:
    assert reason_against("plausible.example", address, NOBODY)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "100.63.255.255", "172.32.0.1", "198.20.0.1", "2606:4700::1111", "2a00:1450:4001::5e"],
)
def test_public_addresses_may_pass(address: str) -> None:
    assert reason_against("plausible.example", address, NOBODY) is None


def test_what_the_operator_names_may_pass_and_nothing_beside_it() -> None:
    allowed = Allowed.parse(["Plausible.LAN.", "10.1.0.0/16", "::1"])
    assert reason_against("plausible.lan", "192.168.7.7", allowed) is None
    assert reason_against("PLAUSIBLE.lan.", "192.168.7.7", allowed) is None
    assert reason_against("other.lan", "192.168.7.7", allowed)
    assert reason_against("other.lan", "10.1.2.3", allowed) is None
    assert reason_against("other.lan", "::ffff:10.1.2.3", allowed) is None
    assert reason_against("other.lan", "10.2.0.1", allowed)
    assert reason_against("localhost", "::1", allowed) is None
    assert reason_against("localhost", "127.0.0.1", allowed)


@pytest.mark.parametrize("part", ["10.0.0.0/40", "a b", "https://plausible.lan", "-x.lan", "10.0.0", "0x7f000001"])
def test_a_part_that_is_neither_host_nor_network_is_named(part: str) -> None:
    with pytest.raises(ValueError, match="host names, addresses or networks"):
        Allowed.parse([part])


@pytest.mark.parametrize(
    "url",
    [
        "https://127.1", "https://0x7f000001", "https://0x7f.1", "https://2130706433", "https://0177.0.0.1",
        "https://10.0.0.1.", "https://1.2.3", "ftp://plausible.io", "https://", "//plausible.io", "https:///x",
        "https://user@plausible.io", "https://user:pw@plausible.io", "https://plausible.io\\@evil.example",
        "https://pla usible.io", "https://plausible.io\r\nHost: x", "https://plausible.io:port", "https://[::1",
        "https://-x.example", f"https://{'a' * 64}.example", f"https://example.com/{'a' * 2000}", "https://a..b",
    ],
)  # fmt: skip
def test_odd_spellings_are_no_address(url: str) -> None:
    if url == "https://10.0.0.1.":
        assert split(url)[1] == "10.0.0.1"
        return
    with pytest.raises(ValueError):
        split(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Plausible.IO/", "plausible.io"),
        ("https://plausible.io.", "plausible.io"),
        ("https://bücher.example:8443", "xn--bcher-kva.example"),
        ("https://[2606:4700::1111]:443/x", "2606:4700::1111"),
        ("http://203.0.113.7", "203.0.113.7"),
    ],
)
def test_hosts_are_read_in_one_way(url: str, host: str) -> None:
    assert split(url)[1] == host
