"""The list of networks in force, the command that rebuilds it, and what the self-test says of it."""

from __future__ import annotations

import os
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plugins.plausible.commands import commands
from plugins.plausible.networks import Networks
from plugins.plausible.networks_file import LARGEST_OWN, LOOK_EVERY, NetworksFile, write

OWN = "cloud acme 192.0.2.0/24 s 2026-01-01\n"
SHIPPED_ADDRESS = "66.249.85.1"


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "var" / "plausible" / "networks.txt"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def in_force(own: Path, clock: Clock) -> NetworksFile:
    return NetworksFile(own, clock=clock)


def later(in_force: NetworksFile, clock: Clock) -> Networks:
    """What counts once it is time to look again."""
    clock.now += LOOK_EVERY
    return in_force.current()


def test_without_an_own_copy_the_shipped_list_counts(in_force: NetworksFile, own: Path) -> None:
    assert in_force.current().classes_of(SHIPPED_ADDRESS) == {"google"}
    assert in_force.path != own
    assert in_force.problem == ""


def test_an_own_copy_goes_before_the_shipped_list_and_is_taken_up_without_a_restart(
    in_force: NetworksFile, own: Path, clock: Clock
) -> None:
    in_force.current()
    write(own, OWN)

    assert in_force.current().classes_of("192.0.2.1") == frozenset(), "not before it is time to look again"
    assert later(in_force, clock).classes_of("192.0.2.1") == {"cloud"}
    assert in_force.current().classes_of(SHIPPED_ADDRESS) == frozenset()
    assert in_force.path == own
    assert LOOK_EVERY < 60

    own.unlink()
    assert later(in_force, clock).classes_of(SHIPPED_ADDRESS) == {"google"}


def test_a_list_that_did_not_change_is_not_read_again(in_force: NetworksFile, own: Path, clock: Clock) -> None:
    write(own, OWN)

    assert in_force.current() is later(in_force, clock)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"cloud acme 192.0.2.0/24 s 2026-01-01\nnonsense\n", "networks.txt, line 2: expected"),
        (b"# nothing\n", "networks.txt holds no networks"),
        (b"\xff\xfe", "networks.txt is not UTF-8 text"),
        (OWN.encode() * (LARGEST_OWN // len(OWN) + 1), "networks.txt is larger than 100,000 bytes"),
    ],
)
def test_a_broken_copy_never_takes_effect(
    content: bytes, complaint: str, in_force: NetworksFile, own: Path, clock: Clock
) -> None:
    own.parent.mkdir(parents=True)
    own.write_bytes(content)
    assert in_force.current().classes_of(SHIPPED_ADDRESS) == {"google"}
    assert complaint in in_force.problem
    assert str(own) in in_force.problem
    assert "the shipped list counts" in in_force.problem

    write(own, OWN)
    assert later(in_force, clock).classes_of("192.0.2.1") == {"cloud"}
    assert in_force.problem == ""

    own.write_bytes(content + b"#")
    assert later(in_force, clock).classes_of("192.0.2.1") == {"cloud"}
    assert "what it said before counts" in in_force.problem


def test_the_self_test_warns_when_the_list_is_older_than_twelve_months(in_force: NetworksFile, own: Path) -> None:
    write(own, OWN + "gateway b 198.51.100.0/24 s 2026-06-01\n")

    assert not in_force.is_stale(date(2027, 1, 1))
    assert in_force.check(date(2027, 1, 1)).ok
    assert in_force.is_stale(date(2027, 1, 2))
    found = in_force.check(date(2027, 1, 2))
    assert not found.ok
    assert "2 in the list, the oldest of 2026-01-01: older than 12 months (cloud.acme)" in found.message
    assert "myportal networks update FILES..." in found.message


def test_the_self_test_says_what_is_wrong_with_a_broken_copy(in_force: NetworksFile, own: Path) -> None:
    write(own, "nonsense")

    found = in_force.check(date(2026, 2, 1))
    assert not found.ok
    assert "line 1: expected" in found.message


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A portal's folder, and nothing else set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


def run(*arguments: str | Path) -> Result:
    [networks] = commands()
    return CliRunner().invoke(networks, [str(one) for one in arguments])


def test_update_writes_the_operator_s_copy_and_says_what_changed(var: Path, tmp_path: Path, own: Path) -> None:
    download = tmp_path / "gateway.barracuda.txt"
    download.write_text("198.51.100.0/24\n64.235.144.0/20\n")
    moment = datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp()
    os.utime(download, (moment, moment))

    done = run("update", download)

    assert done.exit_code == 0, done.output
    assert "gateway           26      26       1       1" in done.output
    assert "cloud            167     167       0       0" in done.output
    assert f"Written: {own}" in done.output
    assert "within 30 seconds" in done.output
    assert "gateway barracuda 198.51.100.0/24 list 2026-03-04" in own.read_text()
    assert own.stat().st_size < 10_000
    assert stat.S_IMODE(own.stat().st_mode) == 0o644
    assert NetworksFile(own).current().classes_of("198.51.100.7") == {"gateway"}
    assert os.listdir(own.parent) == ["networks.txt"]


def test_update_starts_from_the_operator_s_copy(var: Path, tmp_path: Path, own: Path) -> None:
    write(own, OWN)
    download = tmp_path / "gateway.b.txt"
    download.write_text("198.51.100.0/24")

    assert run("update", download).exit_code == 0

    assert [line.split()[:2] for line in own.read_text().splitlines()[1:]] == [["gateway", "b"], ["cloud", "acme"]]


def test_a_file_of_the_future_counts_as_of_today(var: Path, tmp_path: Path, own: Path) -> None:
    download = tmp_path / "gateway.b.txt"
    download.write_text("198.51.100.0/24")
    os.utime(download, (4_000_000_000, 4_000_000_000))

    assert run("update", download).exit_code == 0

    assert f"198.51.100.0/24 list {datetime.now(UTC).date()}" in own.read_text()


def test_lines_that_were_checked_are_dated_today(var: Path, own: Path) -> None:
    assert run("update", "--checked", "gateway.mimecast", "--checked", "proxy").exit_code == 0

    today = f"{datetime.now(UTC).date()}"
    dated = {line.split()[1] for line in own.read_text().splitlines() if line.endswith(today)}
    assert dated == {"mimecast", "zscaler"}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("gateway.b.txt", b"192.0.2.0/24\nnonsense\n", "gateway.b.txt, line 2: 'nonsense' is no network"),
        ("gateway.b.txt", b"192.0.2.0/24\n\xff\n", "gateway.b.txt, line 2: not UTF-8 text; unpack it first"),
        ("ip-ranges.json", b"<html>", "ip-ranges.json: a plain list needs its class and vendor"),
        ("empty.json", b"{}", "empty.json: JSON of a form that is not known"),
    ],
)
def test_a_list_that_cannot_be_read_changes_nothing(
    name: str, content: bytes, complaint: str, var: Path, tmp_path: Path, own: Path
) -> None:
    write(own, OWN)
    good = tmp_path / "gateway.good.txt"
    good.write_text("198.51.100.0/24")
    (tmp_path / name).write_bytes(content)

    done = run("update", good, tmp_path / name)

    assert done.exit_code == 1
    assert complaint in done.output
    assert "Nothing was changed." in done.output
    assert own.read_text() == OWN
    assert os.listdir(own.parent) == ["networks.txt"]


def test_files_that_are_missing_or_folders_are_named(var: Path, tmp_path: Path) -> None:
    assert f"{tmp_path / 'absent.csv'} cannot be read: No such file" in run("update", tmp_path / "absent.csv").output
    assert f"{tmp_path} is no file" in run("update", tmp_path).output
    assert run("update").exit_code == 2


def test_a_place_that_cannot_be_written_is_named_and_the_old_list_stays(
    var: Path, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(own, OWN)
    (tmp_path / "gateway.b.txt").write_text("198.51.100.0/24")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = run("update", tmp_path / "gateway.b.txt")

    assert done.exit_code == 1
    assert f"{own} cannot be written: No space left on device" in done.output
    assert own.read_text() == OWN
    assert os.listdir(own.parent) == ["networks.txt"]


def test_a_broken_copy_must_be_mended_before_it_is_built_on(var: Path, tmp_path: Path, own: Path) -> None:
    write(own, "nonsense")
    (tmp_path / "gateway.b.txt").write_text("198.51.100.0/24")

    done = run("update", tmp_path / "gateway.b.txt")

    assert done.exit_code == 1
    assert "line 1: expected" in done.output
    assert "mended or deleted" in done.output
    assert own.read_text() == "nonsense"


def test_a_dry_run_says_the_same_and_writes_nothing(var: Path, tmp_path: Path, own: Path) -> None:
    (tmp_path / "gateway.b.txt").write_text("198.51.100.0/24")

    done = run("update", "--dry-run", tmp_path / "gateway.b.txt")

    assert "gateway           26      27       1       0" in done.output
    assert "Nothing was written" in done.output
    assert not own.exists()


def test_show_tells_which_list_counts(var: Path, own: Path) -> None:
    assert "(shipped, " in run("show").output

    write(own, OWN)
    shown = run("show").output
    assert f"{own} (this host's own copy, {len(OWN)} bytes)" in shown
    assert "cloud        acme                1  2026-01-01" in shown

    write(own, "nonsense")
    shown = run("show").output
    assert "Warning: " in shown
    assert "(shipped, " in shown
