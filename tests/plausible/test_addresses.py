"""How much of a reader's address is kept, on the whole way: from the request to every place where it could stay."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.runtime import Runtime
from app.services import modules
from bench.opens import Kept, prediction
from plugins.plausible import retention
from plugins.plausible.addresses import MODES, Addresses, AddressMode
from plugins.plausible.events import TrackingEvent, read_address
from plugins.plausible.evidence import as_request
from plugins.plausible.module import Plausible
from plugins.plausible.networks import load
from plugins.plausible.recording import statements
from plugins.plausible.recording.codec import decode, encode
from plugins.plausible.recording.process import Recording
from plugins.plausible.settings import PlausibleSettings
from tests.conftest import SECRET_KEY
from tests.plausible.recording import event, rows, stored, until_judged
from tests.plausible.test_classify_sample import SAMPLE, needs_sample
from tests.receipts.builders import mailed_reply

IPV4, IPV6 = "203.0.113.77", "2001:db8:1:2:3:4:5:6"
KEPT: dict[str, dict[str, str | None]] = {
    "full": {IPV4: IPV4, IPV6: IPV6},
    "cut": {IPV4: "203.0.113.0", IPV6: "2001:db8:1::"},
    "none": {IPV4: None, IPV6: None},
}


def addresses(mode: AddressMode, secret: str = SECRET_KEY) -> Addresses:
    return Addresses([secret], lambda: mode)


async def set_mode(mode: str) -> None:
    await modules.save("plausible", {"ip_mode": mode}, user=None)


@pytest.mark.parametrize("address", [IPV4, IPV6])
@pytest.mark.parametrize("mode", ["full", "cut", "none"])
def test_each_mode_keeps_what_it_says(mode: AddressMode, address: str) -> None:
    assert addresses(mode).kept(read_address(address), "tid") == KEPT[mode][address]


def test_a_hash_tells_networks_of_one_copy_apart_and_nothing_else() -> None:
    hashed = addresses("hash")
    found = hashed.kept(read_address(IPV4), "one")
    assert found is not None
    assert found.startswith("h:")
    assert len(found) <= 45
    assert "203" not in found
    assert hashed.kept(read_address("203.0.113.1"), "one") == found, "the same network"
    assert hashed.kept(read_address("203.0.114.1"), "one") != found
    assert hashed.kept(read_address(IPV4), "two") != found, "mails cannot be linked"
    assert addresses("hash", "another key" * 4).kept(read_address(IPV4), "one") != found


@pytest.mark.parametrize("before", MODES)
@pytest.mark.parametrize("after", MODES)
def test_what_is_stored_is_reduced_as_if_it_had_come_so_and_never_grows(
    before: AddressMode, after: AddressMode
) -> None:
    kept = addresses(before).kept(read_address(IPV4), "tid")
    least = max(before, after, key=MODES.index)
    assert addresses(after).reduced(kept, "tid") == addresses(least).kept(read_address(IPV4), "tid")


def test_what_is_no_address_is_not_kept() -> None:
    for mode in MODES:
        assert addresses(mode).kept(read_address("unix:"), "tid") is None
        assert addresses(mode).reduced("203.0.113.0", "tid") == addresses(mode).kept(read_address(IPV4), "tid") or (
            mode == "full"
        )


def _judged(kept: Kept) -> list[tuple[list[str], bool | None]]:
    networks = load()
    found = []
    for line in SAMPLE.read_text(encoding="utf-8").splitlines():
        told = prediction(json.loads(line), networks, kept)
        found.append((told["classes"], told["mail_read"]))
    return found


@needs_sample
def test_classification_says_the_same_whatever_is_kept() -> None:
    """docs/privacy.md tells these figures."""
    cut = _judged(Kept("cut"))
    assert len(cut) == 242
    assert _judged(Kept("full")) == cut
    assert _judged(Kept("hash")) == cut
    none = _judged(Kept("none"))
    assert [read for _, read in none] == [read for _, read in cut], "no badge differs"
    assert sum(one != other for one, other in zip(none, cut, strict=True)) == 1, "sequences with another class"


@needs_sample
@pytest.mark.parametrize("mode", MODES)
def test_reduced_user_agents_change_no_class_and_no_badge(mode: AddressMode) -> None:
    assert _judged(Kept(mode, reduced=True)) == _judged(Kept(mode))


def test_older_settings_in_months_are_understood() -> None:
    assert PlausibleSettings(**{"keep_months": 24}).keep_days == 730
    assert PlausibleSettings(**{"keep_months": 0}).keep_days == 0
    assert PlausibleSettings(**{"keep_months": 24, "keep_days": 10}).keep_days == 10
    assert PlausibleSettings().ip_mode == "cut"


def _everywhere(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def away(portal: Runtime) -> Recording:
    """Send events to the spool, and leave them there."""
    module = portal.plugins.plugins["plausible"]
    assert isinstance(module, Plausible)
    assert module._recording is not None
    await module._recording._replayer.close()
    module._recording._recorder._away = True
    return module._recording


@pytest.mark.parametrize("mode", MODES)
async def test_row_spool_and_log_hold_what_the_mode_says(
    plausible: Quart, portal: Runtime, world: Client, mode: AddressMode, capsys: pytest.CaptureFixture[str]
) -> None:
    await set_mode(mode)
    await portal.modules.refresh()
    reply = await mailed_reply(portal.database)
    [bob] = reply.recipients
    path = f"/api/email-tracking/pixel/{bob.tracking_id}.gif"
    await world.get(path, scope_base={"client": (IPV4, 4711)})
    recording = await away(portal)
    await world.get(path, scope_base={"client": (IPV4, 4711)})
    spooled = _everywhere(portal.settings.spool_folder)
    assert bob.tracking_id.encode() in spooled
    assert (IPV4.encode() in spooled) == (mode == "full")
    assert (b"203.0.113.0" in spooled) == (mode == "cut")
    await recording._replayer.once()
    await until_judged(portal.database, 2)
    found = await rows(portal.database, "SELECT ip_address, evidence FROM email_tracking_events")
    assert len(found) == 2
    assert {row["ip_address"] for row in found} == {addresses(mode).kept(read_address(IPV4), bob.tracking_id)}
    assert IPV4 not in capsys.readouterr().err
    assert all("203.0" not in row["evidence"] for row in found)


async def test_what_waited_in_the_spool_follows_the_mode_of_now(portal: Runtime, world: Client) -> None:
    await set_mode("full")
    await portal.modules.refresh()
    reply = await mailed_reply(portal.database)
    recording = await away(portal)
    await world.get(
        f"/api/email-tracking/pixel/{reply.recipients[0].tracking_id}.gif", scope_base={"client": (IPV4, 4711)}
    )
    await set_mode("none")
    await portal.modules.refresh()
    await recording._replayer.once()
    await until_judged(portal.database, 1)
    assert await rows(portal.database, "SELECT ip_address FROM email_tracking_events") == [{"ip_address": None}]


async def test_apply_reduces_what_is_stored_and_goes_on_where_it_was(
    portal: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHANGED", 2)
    reply = await mailed_reply(portal.database)
    [bob] = reply.recipients
    for number in range(5):
        assert await stored(portal, event(bob.tracking_id, ip_address=f"203.0.113.{number}"))
    aside = event(bob.tracking_id, ip_address=IPV4)
    await _quarantine(portal, aside)
    first = await retention.apply(portal.database, addresses("hash"))
    assert (first.done, first.counts) == (False, {"addresses of events": 2})
    total = 2
    while True:
        work = await retention.apply(portal.database, addresses("hash"))
        total += sum(work.counts.values())
        if work.done:
            break
    assert total == 6
    kept = addresses("hash").kept(read_address(IPV4), bob.tracking_id)
    assert {
        row["ip_address"] for row in await rows(portal.database, "SELECT ip_address FROM email_tracking_events")
    } == {kept}
    [row] = await rows(portal.database, "SELECT record FROM email_tracking_quarantine")
    assert decode(row["record"])[0] == replace(aside, ip_address=kept)
    assert await rows(portal.database, "SELECT * FROM email_tracking_passes") == []


async def _quarantine(portal: Runtime, one: TrackingEvent) -> None:
    async with portal.database.transaction() as conn:
        assert await statements.quarantine(conn, encode(one), "DataError 1406")


@pytest.mark.parametrize("address", [IPV4, IPV6])
def test_a_whole_address_stands_for_the_same_client_as_a_cut_one(address: str) -> None:
    def client(mode: AddressMode) -> str | None:
        kept = addresses(mode).kept(read_address(address), "tid")
        return as_request(event("tid", ip_address=kept)).client

    assert client("full") == client("cut") == KEPT["cut"][address]
    assert client("hash") == addresses("hash").kept(read_address(address), "tid")
    assert client("none") is None
