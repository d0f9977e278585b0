"""The list of networks: the shipped file, lookup, an operator's own, and building one from downloads."""

from __future__ import annotations

import ipaddress
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from plugins.plausible import networks
from plugins.plausible.networks import Networks, NetworksError, parse
from plugins.plausible.networks_build import SourceFile, build

DAY = date(2026, 7, 1)


def _built(name: str, text: str) -> Networks:
    return Networks(parse(build([SourceFile(name, text, DAY)])))


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


AWS = json.dumps({"prefixes": [{"ip_prefix": "3.0.0.0/16"}], "ipv6_prefixes": [{"ipv6_prefix": "2600:1f00::/24"}]})
GCP = json.dumps(
    {"prefixes": [{"ipv4Prefix": "34.4.0.0/14", "service": "Google Cloud"}, {"ipv6Prefix": "2600:1900::/28"}]}
)
GOOGLE = json.dumps({"prefixes": [{"ipv4Prefix": "66.249.64.0/19"}]})
AZURE = json.dumps(
    {"values": [{"properties": {"addressPrefixes": ["20.0.0.0/12", "2603:1000::/24"]}}, {"properties": None}]}
)


@pytest.mark.parametrize(
    ("name", "text", "address", "kind"),
    [
        (
            "egress-ip-ranges.csv",
            "172.224.224.0/31,US,US-CA,San Jose,\n2a02:26f7::/64,DE,,,\n",
            "2a02:26f7::1",
            "apple_relay",
        ),
        ("ip-ranges.json", AWS, "2600:1f00::1", "cloud"),
        ("cloud.json", GCP, "34.5.0.1", "cloud"),
        ("user-triggered-fetchers.json", GOOGLE, "66.249.65.1", "google"),
        ("ServiceTags.json", "\ufeff" + AZURE, "20.15.0.1", "cloud"),
        ("gateway.mimecast.txt", "# theirs\n198.2.128.1/24  # host bits are theirs too\n", "198.2.128.77", "gateway"),
        ("networks.txt", "proxy acme 192.0.2.0/24 s 2026-01-01\n", "192.0.2.9", "proxy"),
    ],
)
def test_a_downloaded_list_is_known_by_its_form(name: str, text: str, address: str, kind: str) -> None:
    assert _built(name, text).classes_of(address) == {kind}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("ranges.txt", "192.0.2.0/24", "needs its class and vendor in its name"),
        ("gateway.mimecast.txt", "192.0.2.0/24\nnonsense", "entry 2: 'nonsense' is no network"),
        ("a.json", "{", "broken JSON"),
        ("a.json", "[]", "expected an object"),
        ("a.json", "{}", "no 'prefixes' and no 'values'"),
    ],
)
def test_a_list_that_is_not_understood_is_refused(name: str, text: str, complaint: str) -> None:
    with pytest.raises(NetworksError, match=complaint):
        _built(name, text)


def test_a_list_replaces_its_vendor_and_leaves_the_others() -> None:
    base = parse("cloud aws 192.0.2.0/24 s 2026-01-01\ngateway b 198.51.100.0/24 s 2026-01-01")

    found = Networks(parse(build([SourceFile("ip-ranges.json", AWS, DAY)], base=base)))

    assert found.classes_of("192.0.2.1") == frozenset()
    assert found.classes_of("3.0.1.1") == {"cloud"}
    assert found.classes_of("198.51.100.1") == {"gateway"}


def test_neighbours_are_joined() -> None:
    found = _built("gateway.b.txt", "192.0.2.0/25\n192.0.2.128/25\n192.0.2.7/32")

    assert [str(entry.network) for entry in found.entries] == ["192.0.2.0/24"]


def test_apple_s_networks_are_widened_until_they_fit() -> None:
    rows = "".join(f"172.{224 + n % 4}.{n // 4}.{2 * (n % 100)}/31,US,,,\n" for n in range(1_000))

    text = build([SourceFile("egress.csv", rows, DAY)], largest=2_000)
    found = Networks(parse(text))

    assert len(text) < 2_200
    assert all(found.classes_of(row.partition("/")[0]) for row in rows.splitlines())


def test_of_a_cloud_the_smallest_networks_are_left_out_and_none_is_widened() -> None:
    rows = [f"100.{n}.0.0/16" for n in range(0, 100, 2)] + [f"198.18.{n}.0/24" for n in range(0, 100, 2)]

    text = build([SourceFile("cloud.acme.txt", "\n".join(rows), DAY)], largest=2_500)
    kept = {str(entry.network) for entry in parse(text)}

    assert len(text) < 2_700
    assert kept < set(rows)
    assert kept >= set(rows[:50])
