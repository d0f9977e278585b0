"""Mails that would keep a parser busy: each is put into quarantine with its reason, and the next one flows."""

from __future__ import annotations

import time

import pytest

from app.inbound import store
from app.inbound.errors import MailTooLarge, Unreadable
from app.inbound.parsing import parse
from tests.inbound.conftest import Inbox, mail

HEAD = b"From: bob@example.org\r\nSubject: Bomb\r\n"
BOMBS = {
    "depth": HEAD
    + b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i) for i in range(3000)),
    "mails within mails": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 3000,
    "width": HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\nhi\r\n" * 50_000,
    "one long header": HEAD + b"To: " + b"a@example.org, " * 20_000 + b"\r\n\r\nx",
    "encoded words": HEAD + b"X-Long: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\nx",
    "many headers": HEAD + b"X: y\r\n" * 5_000 + b"\r\nx",
    "headers of parts": HEAD
    + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    + (b"--x\r\nX: " + b"y" * 60_000 + b"\r\n\r\nhi\r\n") * 20,
    "folded boundary": HEAD
    + b'Content-Type: multipart/mixed;\r\n\tBOUNDARY="x y"\r\n\r\n'
    + b"--x y  \r\n\r\nhi\r\n" * 5_000,
    "lone carriage returns": HEAD.replace(b"\r\n", b"\r")
    + b"Content-Type: multipart/mixed; boundary=x\r\r"
    + b"--x\r\rhi\r" * 5_000,
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_is_set_aside_and_the_next_mail_flows(inbox: Inbox, name: str) -> None:
    started = time.monotonic()
    row = await inbox.take(BOMBS[name])
    assert row["state"] == "quarantined"
    assert "bob@example.org" in row["sender"]
    assert "more" in row["reason"]
    assert (await inbox.take(mail()))["state"] == "processed"
    assert time.monotonic() - started < 10
    assert await store.load(inbox.runtime, row["id"]) == BOMBS[name]


def test_ordinary_depth_and_width_pass() -> None:
    nested = HEAD + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i) for i in range(15)
    )
    assert (parse(nested + b"\r\ninnermost\r\n").text or "").strip() == "innermost"
    wide = HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\nhi\r\n" * 300
    assert parse(wide).text


def test_lines_that_look_like_delimiters_count_nothing() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n" + b"--\r\n--y\r\n-- \r\n" * 10_000
    assert parse(raw).text


async def test_a_mail_that_is_too_large_is_refused(inbox: Inbox) -> None:
    with pytest.raises(MailTooLarge, match="INBOUND_MAX_MB"):
        await store.receive(inbox.runtime, b"x" * (40 * 1024 * 1024 + 1), source="pipe")
    assert await inbox.count("inbound_mails") == 0


def test_what_the_library_cannot_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inbound.parsing._read", lambda *_: 1 / 0)
    with pytest.raises(Unreadable, match="ZeroDivisionError"):
        parse(HEAD + b"\r\nx")


@pytest.mark.parametrize("kind", ["multipart", "message"])
def test_the_scan_itself_refuses_what_the_library_would_read(kind: str) -> None:
    if kind == "multipart":
        raw = HEAD + b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(25)
        )
    else:
        raw = HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 25
    with pytest.raises(Unreadable, match="more than 20 deep"):
        parse(raw)
