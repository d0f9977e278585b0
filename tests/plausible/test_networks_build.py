"""Building a list of networks from downloaded ones."""

from __future__ import annotations

import json
from datetime import date

import pytest

from plugins.plausible.networks import Networks, NetworksError, parse
from plugins.plausible.networks_build import LARGEST, build, changes
from plugins.plausible.networks_sources import SourceFile

DAY = date(2026, 7, 1)


def _built(name: str, text: str) -> Networks:
    return Networks(parse(build([SourceFile(name, text, DAY)]).text))


AWS = json.dumps({"prefixes": [{"ip_prefix": "3.0.0.0/16"}], "ipv6_prefixes": [{"ipv6_prefix": "2600:1f00::/24"}]})
GCP = json.dumps(
    {"prefixes": [{"ipv4Prefix": "34.4.0.0/14", "service": "Google Cloud"}, {"ipv6Prefix": "2600:1900::/28"}]}
)
GOOGLE = json.dumps({"prefixes": [{"ipv4Prefix": "66.249.64.0/19"}]})
AZURE = json.dumps(
    {"values": [{"properties": {"addressPrefixes": ["20.0.0.0/12", "2603:1000::/24"]}}, {"properties": None}]}
)
M365 = json.dumps(
    [{"serviceArea": "Exchange", "ips": ["40.92.0.0/15", "2a01:111:f400::/48"]}, {"serviceArea": "Skype", "ips": ["x"]}]
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
        ("endpoints.json", M365, "40.92.1.1", "microsoft"),
        ("/tmp/ipranges/amazon/ipv4_merged.txt", "3.0.0.0/15\n", "3.1.0.1", "cloud"),
        ("google/ipv6.txt", "2001:4860::/32\n", "2001:4860::1", "google"),
    ],
)
def test_a_downloaded_list_is_known_by_its_form(name: str, text: str, address: str, kind: str) -> None:
    assert _built(name, text).classes_of(address) == {kind}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("ranges.txt", "192.0.2.0/24", "ranges.txt: a plain list needs its class and vendor in its name"),
        ("elsewhere/ipv4.txt", "192.0.2.0/24", "needs its class and vendor in its name"),
        ("gateway.mime cast.txt", "192.0.2.0/24", "needs its class and vendor in its name"),
        (
            "d/gateway.mimecast.txt",
            "192.0.2.0/24\nnonsense",
            "d/gateway.mimecast.txt, line 2: 'nonsense' is no network",
        ),
        ("egress.csv", "192.0.2.0/24,US\n\n<html>,\n", "egress.csv, line 3: '<html>' is no network"),
        ("gateway.b.txt", "x" * 70_000, "gateway.b.txt, line 1: 'xxx.*x…' is no network"),
        ("a.txt", "cloud a 192.0.2.0/24 s 2026-01-01\ncloud a", "a.txt, line 2: expected"),
        ("a.json", "{", "a.json: broken JSON: .*line 1"),
        ("a.json", "[" * 100_000, "a.json: broken JSON"),
        ("a.json", "{}", "no 'prefixes' and no 'values'"),
        ("a.json", "[]", "a.json holds no networks; was it downloaded whole"),
        ("a.json", '{"prefixes": [{"ip_prefix": 5}]}', "a.json, entry 1: '5' is no network"),
        ("a.json", '{"prefixes": {"ip_prefix": "192.0.2.0/24"}}', "holds no networks"),
        ("a.json", '{"values": [3, {"properties": {"addressPrefixes": "x"}}]}', "holds no networks"),
        ("gateway.b.txt", "", "gateway.b.txt holds no networks"),
        ("gateway.b.txt", "0.0.0.0/0", "'0.0.0.0/0' covers too much of the internet"),
        ("gateway.b.txt", "2000::/3", "'2000::/3' covers too much of the internet"),
    ],
)
def test_a_list_that_is_not_understood_is_refused(name: str, text: str, complaint: str) -> None:
    with pytest.raises(NetworksError, match=complaint):
        _built(name, text)


def test_a_list_replaces_its_vendor_and_leaves_the_others() -> None:
    base = parse("cloud aws 192.0.2.0/24 s 2026-01-01\ngateway b 198.51.100.0/24 s 2026-01-01")

    built = build([SourceFile("ip-ranges.json", AWS, DAY)], base=base)
    found = Networks(built.entries)

    assert found.classes_of("192.0.2.1") == frozenset()
    assert found.classes_of("3.0.1.1") == {"cloud"}
    assert found.classes_of("198.51.100.1") == {"gateway"}
    assert parse(built.text) == built.entries
    assert {one.kind: (one.before, one.after, one.added, one.removed) for one in changes(base, built.entries)} == {
        "apple_relay": (0, 0, 0, 0),
        "google": (0, 0, 0, 0),
        "microsoft": (0, 0, 0, 0),
        "gateway": (1, 1, 0, 0),
        "proxy": (0, 0, 0, 0),
        "cloud": (1, 2, 2, 1),
    }


def test_two_files_of_one_vendor_are_taken_together() -> None:
    built = build([
        SourceFile("amazon/ipv4_merged.txt", "192.0.2.0/24", DAY),
        SourceFile("amazon/ipv6_merged.txt", "2001:db8::/32", DAY),
    ])  # fmt: skip

    assert [str(entry.network) for entry in built.entries] == ["192.0.2.0/24", "2001:db8::/32"]


def test_neighbours_are_joined() -> None:
    found = _built("gateway.b.txt", "192.0.2.0/25\n192.0.2.128/25\n192.0.2.7/32")

    assert [str(entry.network) for entry in found.entries] == ["192.0.2.0/24"]


def test_lines_that_were_looked_through_count_as_of_today() -> None:
    base = parse("gateway a 192.0.2.0/24 s 2026-01-01\ngateway b 198.51.100.0/24 s 2026-01-01")

    one = build([], base=base, checked=["gateway.b"], today=DAY).entries
    both = build([], base=base, checked=["gateway"], today=DAY).entries

    assert [(entry.vendor, entry.day) for entry in one] == [("a", date(2026, 1, 1)), ("b", DAY)]
    assert {entry.day for entry in both} == {DAY}
    with pytest.raises(NetworksError, match=r"no group 'gateway.c' to date; there are: gateway.a, gateway.b"):
        build([], base=base, checked=["gateway.c"], today=DAY)


def test_apple_s_networks_are_widened_until_they_fit() -> None:
    rows = "".join(f"172.{224 + n % 4}.{n // 4}.{2 * (n % 100)}/31,US,,,\n" for n in range(1_000))
    rows += "".join(f"2a02:26f7:{n:x}::/64,US,,,\n" for n in range(0, 4_000, 4))

    built = build([SourceFile("egress.csv", rows, DAY)])
    found = Networks(built.entries)

    assert len(built.text) < 1_200
    assert built.left_out == {}
    assert all(found.classes_of(row.partition("/")[0]) for row in rows.splitlines())


def test_apple_s_networks_stay_exact_where_there_is_room() -> None:
    found = _built("egress.csv", "172.224.0.2/31,US,,,\n2a02:26f7:1::/64,US,,,\n")

    assert [str(entry.network) for entry in found.entries] == ["172.224.0.2/31", "2a02:26f7:1::/64"]


def test_of_a_cloud_the_smallest_networks_are_left_out_and_none_is_widened() -> None:
    rows = [f"100.{n}.0.0/16" for n in range(0, 100, 2)] + [f"198.18.{n}.0/24" for n in range(0, 100, 2)]

    built = build([SourceFile("cloud.acme.txt", "\n".join(rows), DAY)], largest=2_500)
    kept = {str(entry.network) for entry in built.entries}

    assert len(built.text) <= 2_500
    assert kept < set(rows)
    assert kept >= set(rows[:50])
    assert built.left_out == {"cloud": 100 - len(kept)}


def test_a_large_class_leaves_the_small_ones_whole_and_the_file_below_ten_kilobytes() -> None:
    cloud = "\n".join(f"{a}.{b}.0.0/16" for a in range(40, 48) for b in range(0, 256, 2))
    gateway = "\n".join(f"198.51.{n}.0/24" for n in range(0, 60, 2))

    built = build([SourceFile("cloud.acme.txt", cloud, DAY), SourceFile("gateway.b.txt", gateway, DAY)])

    assert LARGEST * 0.95 < len(built.text) <= LARGEST < 10_000
    assert sum(entry.kind == "gateway" for entry in built.entries) == 30
    assert built.left_out["cloud"] > 700


def test_two_large_classes_divide_the_room_between_them() -> None:
    cloud = "\n".join(f"{a}.{b}.0.0/16" for a in range(40, 48) for b in range(0, 256, 2))
    proxy = "\n".join(f"{a}.{b}.0.0/16" for a in range(50, 58) for b in range(0, 256, 2))

    built = build([SourceFile("cloud.acme.txt", cloud, DAY), SourceFile("proxy.acme.txt", proxy, DAY)])

    assert all(sum(entry.kind == kind for entry in built.entries) > 100 for kind in ("cloud", "proxy"))
