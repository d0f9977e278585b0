"""Every way in which handing over a mail can end, and that it is judged truly."""

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.email import smtp_data
from app.email.smtp import Outcome, SmtpSettings, SmtpTransport
from tests.support.scripted_smtp import AcceptedMail, Fault, ScriptedSmtp

SMALL = b"Subject: small\r\n\r\n" + (b"x" * 70 + b"\r\n") * 14
LARGE = b"Subject: large\r\n\r\n" + (b"y" * 70 + b"\r\n") * 43_000
BOTH_SIZES = pytest.mark.parametrize("data", [SMALL, LARGE], ids=["1kB", "3MB"])
PASSWORD = "canary-pässword-4711"


async def nothing() -> None:
    pass


def transport_to(server: ScriptedSmtp, **changes: Any) -> SmtpTransport:
    settings: dict[str, Any] = {"host": server.host, "port": server.port, "local_hostname": "portal.test", **changes}
    return SmtpTransport(SmtpSettings(**settings))


async def deliver(server: ScriptedSmtp, data: bytes = SMALL, **changes: Any) -> Outcome:
    async with transport_to(server, **changes) as transport:
        return await transport.deliver("help@portal.test", "bob@example.org", data, nothing)


@BOTH_SIZES
async def test_an_accepted_mail_arrives_byte_for_byte(data: bytes) -> None:
    async with ScriptedSmtp() as server:
        outcome = await deliver(server, data)

    assert outcome == Outcome("accepted", 250, "2.0.0 queued as 4711")
    assert server.accepted == [AcceptedMail("help@portal.test", "bob@example.org", data)]


async def test_leading_dots_and_bare_line_ends_arrive_as_crlf_lines() -> None:
    async with ScriptedSmtp() as server:
        await deliver(server, b".a\n..b\r\n.\r\n.\rc")

    assert server.accepted[0].data == b".a\r\n..b\r\n.\r\n.\r\nc\r\n"


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("450 4.2.0 greylisted", "temporary"),
        ("421 4.3.2 shutting down", "temporary"),
        ("530 5.7.0 authentication required", "temporary"),
        ("550 5.1.1 no such user", "permanent"),
        ("552 5.3.4 too big", "permanent"),
    ],
)
async def test_the_servers_refusal_is_temporary_or_permanent_as_it_says(stage: Any, reply: str, kind: str) -> None:
    async with ScriptedSmtp.failing(Fault(stage, reply=reply)) as server:
        outcome = await deliver(server)

    assert outcome == Outcome(kind, int(reply[:3]), reply[4:])  # type: ignore[arg-type]
    assert server.accepted == []


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data"])
@pytest.mark.parametrize("do", ["drop", "close", "hang"])
async def test_silence_or_a_drop_before_the_mail_is_temporary(stage: Any, do: Any) -> None:
    async with ScriptedSmtp.failing(Fault(stage, do=do)) as server:
        outcome = await deliver(server, timeout=0.3)

    assert (outcome.kind, outcome.code) == ("temporary", None)
    assert server.accepted == []


@BOTH_SIZES
@pytest.mark.parametrize("do", ["drop", "close"])
@pytest.mark.parametrize("after_bytes", [0, 1, 700])
async def test_a_drop_in_the_middle_of_the_mail_is_temporary(data: bytes, do: Any, after_bytes: int) -> None:
    async with ScriptedSmtp.failing(Fault("body", do=do, after_bytes=after_bytes)) as server:
        outcome = await deliver(server, data)

    assert (outcome.kind, outcome.code) == ("temporary", None)
    assert "before the mail was complete" in outcome.text


async def test_a_drop_when_the_whole_body_but_the_dot_has_arrived_is_temporary() -> None:
    async with ScriptedSmtp.failing(Fault("body", do="close", after_bytes=len(SMALL))) as server:
        outcome = await deliver(server, SMALL)

    assert outcome.kind == "temporary"


async def test_the_dot_is_written_only_after_the_body_has_left_and_a_grace_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a grace time that never ends the server gets the whole body and never the dot."""
    monkeypatch.setattr(smtp_data, "GRACE", 3600)
    async with ScriptedSmtp.failing(Fault("body", do="close", after_bytes=len(LARGE))) as server:
        outcome = await deliver(server, LARGE)

    assert outcome.kind == "temporary"


async def test_a_server_that_stops_reading_is_given_up_before_the_dot() -> None:
    async with ScriptedSmtp.failing(Fault("body", do="hang", after_bytes=1)) as server:
        outcome = await deliver(server, LARGE * 4, stall_timeout=0.3)

    assert outcome == Outcome("temporary", None, "The mail server took no data for 0.3 s.")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [("552 5.3.4 too big", "permanent"), ("451 4.3.0 disk full", "temporary"), ("250 thanks", "temporary")],
)
async def test_an_answer_in_the_middle_of_the_mail_is_never_an_acceptance(reply: str, kind: str) -> None:
    async with (
        ScriptedSmtp.failing(Fault("body", reply=reply, after_bytes=100)) as server,
        transport_to(server) as transport,
    ):
        outcome = await transport.deliver("help@portal.test", "bob@example.org", LARGE, nothing)

    assert outcome == Outcome(kind, int(reply[:3]), reply[4:])  # type: ignore[arg-type]
    assert server.accepted == []


@BOTH_SIZES
@pytest.mark.parametrize("do", ["drop", "close", "hang"])
@pytest.mark.parametrize("keep", [True, False])
async def test_a_drop_or_silence_after_the_final_dot_is_unknown(data: bytes, do: Any, keep: bool) -> None:
    async with ScriptedSmtp.failing(Fault("dot", do=do, keep=keep)) as server:
        outcome = await deliver(server, data, final_timeout=0.3)

    assert (outcome.kind, outcome.code) == ("unknown", None)
    assert len(server.accepted) == keep


@pytest.mark.parametrize("reply", ["hello", "150 wait", "354 more", "999 x"])
async def test_nonsense_after_the_final_dot_is_unknown(reply: str) -> None:
    async with ScriptedSmtp.failing(Fault("dot", reply=reply)) as server:
        assert (await deliver(server)).kind == "unknown"


async def test_many_mails_go_over_one_connection_with_rset_in_between() -> None:
    async with (
        ScriptedSmtp.failing(Fault("rcpt", reply="550 no", recipient="b1@example.org")) as server,
        transport_to(server) as transport,
    ):
        kinds = [
            (await transport.deliver("help@portal.test", f"b{n}@example.org", SMALL, nothing)).kind for n in range(4)
        ]

    assert kinds == ["accepted", "permanent", "accepted", "accepted"]
    assert server.connections == 1
    assert server.commands.count("RSET") == 3
    assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("after", do="close"),
        Fault("after", do="drop"),
        Fault("rset", do="close"),
        Fault("rset", reply="421 enough"),
        Fault("rset", reply="502 what"),
    ],
    ids=lambda fault: f"{fault.at}-{fault.do}",
)
async def test_a_server_that_closes_between_mails_is_connected_to_again(fault: Fault) -> None:
    async with ScriptedSmtp.failing(fault) as server, transport_to(server) as transport:
        for n in range(3):
            outcome = await transport.deliver("help@portal.test", f"b{n}@example.org", SMALL, nothing)
            assert outcome.kind == "accepted"

    assert server.connections == 3
    assert len(server.accepted) == 3


async def test_a_server_that_has_had_enough_mails_on_one_connection_gets_the_next_on_another() -> None:
    enough = Fault("mail", reply="421 too many mails", times=0)
    async with ScriptedSmtp.failing(enough) as server, transport_to(server) as transport:
        await transport.deliver("help@portal.test", "a@example.org", SMALL, nothing)
        enough.times = 1
        outcome = await transport.deliver("help@portal.test", "b@example.org", SMALL, nothing)

    assert outcome.kind == "accepted"
    assert server.recipients() == ["a@example.org", "b@example.org"]


async def test_after_every_failure_the_next_mail_goes_through() -> None:
    faults = [
        Fault("body", do="drop", after_bytes=10, times=1),
        Fault("dot", do="close", times=1),
        Fault("body", reply="552 too big", after_bytes=10, times=1),
        Fault("data", reply="451 later", times=1),
    ]
    async with ScriptedSmtp.failing(*faults) as server, transport_to(server) as transport:
        kinds = [
            (await transport.deliver("help@portal.test", "bob@example.org", SMALL, nothing)).kind for _ in range(5)
        ]

    assert sorted(kinds) == ["accepted", "permanent", "temporary", "temporary", "unknown"]
    assert kinds[-1] == "accepted"


async def test_the_caller_hears_before_data_after_the_recipient_was_taken_and_before_data() -> None:
    heard: list[list[str]] = []

    async def before_data() -> None:
        heard.append([command.split(":")[0] for command in server.commands[1:]])

    async with ScriptedSmtp() as server, transport_to(server) as transport:
        await transport.deliver("help@portal.test", "bob@example.org", SMALL, before_data)

    assert heard == [["MAIL FROM", "RCPT TO"]]


async def test_a_refused_recipient_is_never_announced() -> None:
    async def before_data() -> None:
        raise AssertionError("nothing may be noted as sending")

    async with ScriptedSmtp.failing(Fault("rcpt", reply="550 no")) as server, transport_to(server) as transport:
        outcome = await transport.deliver("help@portal.test", "bob@example.org", SMALL, before_data)

    assert outcome.kind == "permanent"


async def test_what_before_data_raises_stops_the_mail_and_the_next_one_still_goes() -> None:
    async def fails() -> None:
        raise LookupError("the database is gone")

    async with ScriptedSmtp() as server, transport_to(server) as transport:
        with pytest.raises(LookupError):
            await transport.deliver("help@portal.test", "bob@example.org", SMALL, fails)
        assert "DATA" not in server.commands
        outcome = await transport.deliver("help@portal.test", "eve@example.org", SMALL, nothing)

    assert outcome.kind == "accepted"
    assert server.recipients() == ["eve@example.org"]


async def test_a_connection_lost_while_the_caller_notes_the_sending_is_temporary() -> None:
    async with ScriptedSmtp() as server, transport_to(server) as transport:

        async def lose_it() -> None:
            for session in list(server._sessions):
                session.cancel()
            await asyncio.gather(*server._sessions, return_exceptions=True)
            await asyncio.sleep(0.05)

        outcome = await transport.deliver("help@portal.test", "bob@example.org", SMALL, lose_it)

    assert outcome.kind == "temporary"
    assert server.accepted == []


async def test_cancelling_in_the_middle_of_a_mail_ends_the_connection_without_the_dot() -> None:
    async with (
        ScriptedSmtp.failing(Fault("body", do="hang", after_bytes=1, times=1)) as server,
        transport_to(server) as transport,
    ):
        sending = asyncio.create_task(transport.deliver("help@portal.test", "bob@example.org", LARGE * 4, nothing))
        while "DATA" not in server.commands:
            await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        outcome = await transport.deliver("help@portal.test", "eve@example.org", SMALL, nothing)

    assert outcome.kind == "accepted"
    assert server.recipients() == ["eve@example.org"]


@pytest.mark.parametrize(
    "recipient", ["bob@x>\r\nRCPT TO:<eve@evil.example", "bob@x> SIZE=1", "bob", "<bob@x>", "jürgen@x.org", "bob@x\n"]
)
async def test_an_address_that_could_end_the_command_never_reaches_the_server(recipient: str) -> None:
    async with ScriptedSmtp() as server, transport_to(server) as transport:
        outcome = await transport.deliver("help@portal.test", recipient, SMALL, nothing)
        bad_sender = await transport.deliver(recipient, "bob@example.org", SMALL, nothing)

    assert (outcome.kind, bad_sender.kind) == ("permanent", "permanent")
    assert server.connections == 0


async def test_no_server_at_all_is_temporary_and_named() -> None:
    async with ScriptedSmtp() as server:
        pass
    outcome = await deliver(server)

    assert (outcome.kind, outcome.code) == ("temporary", None)
    assert f"127.0.0.1:{server.port}" in outcome.text


async def test_a_host_that_does_not_exist_is_temporary() -> None:
    async with SmtpTransport(SmtpSettings("no-such-host.invalid", 25, local_hostname="portal.test")) as transport:
        outcome = await transport.deliver("help@portal.test", "bob@example.org", SMALL, nothing)

    assert outcome.kind == "temporary"
    assert "no-such-host.invalid:25" in outcome.text


@pytest.mark.parametrize("greeting", ["554 5.7.1 go away", "421 busy", "garbage"])
async def test_a_server_that_does_not_greet_us_is_temporary(greeting: str) -> None:
    async with ScriptedSmtp.failing(Fault("connect", reply=greeting)) as server:
        assert (await deliver(server)).kind == "temporary"


async def test_words_of_several_lines_and_with_controls_become_one_clean_line() -> None:
    reply = "550-first\r\n550-\x1b[31msecond\xff\r\n550 " + "z" * 2000
    async with ScriptedSmtp.failing(Fault("rcpt", reply=reply)) as server:
        outcome = await deliver(server)

    assert outcome.text.startswith("first [31msecond")
    assert outcome.text.isprintable()
    assert len(outcome.text) == 500


async def test_a_login_is_given_where_one_is_set() -> None:
    async with ScriptedSmtp(login=("portal", PASSWORD)) as server:
        assert (await deliver(server, username="portal", password=PASSWORD)).kind == "accepted"


async def test_a_refused_login_waits_and_says_what_to_check_but_never_the_password() -> None:
    async with ScriptedSmtp(login=("portal", "right")) as server:
        outcome = await deliver(server, username="portal", password=PASSWORD)

    assert (outcome.kind, outcome.code) == ("temporary", 535)
    assert "SMTP_USERNAME and SMTP_PASSWORD" in outcome.text
    assert "no such login: AUTH PLAIN *** ['portal', '***']" in outcome.text
    assert PASSWORD not in outcome.text
    assert PASSWORD not in repr(SmtpSettings("h", 25, "portal", PASSWORD))


async def test_a_server_without_the_login_or_the_encryption_we_insist_on_is_temporary() -> None:
    async with ScriptedSmtp() as server:
        no_login = await deliver(server, username="portal", password=PASSWORD)
        no_tls = await deliver(server, tls="starttls")

    assert (no_login.kind, no_tls.kind) == ("temporary", "temporary")
    assert "AUTH" in no_login.text
    assert "STARTTLS" in no_tls.text
    assert not any(command.startswith("MAIL") for command in server.commands)


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for 127.0.0.1 and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


@BOTH_SIZES
async def test_mail_goes_over_starttls(certificates: tuple[ssl.SSLContext, ssl.SSLContext], data: bytes) -> None:
    async with ScriptedSmtp(tls=certificates[0], login=("portal", PASSWORD)) as server:
        outcome = await deliver(
            server, data, tls="starttls", tls_context=certificates[1], username="portal", password=PASSWORD
        )

    assert outcome.kind == "accepted"
    assert server.accepted[0].data == data


async def test_a_certificate_we_do_not_trust_is_temporary(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with ScriptedSmtp(tls=certificates[0]) as server:
        outcome = await deliver(server, tls="starttls")

    assert outcome.kind == "temporary"
    assert "certificate" in outcome.text.lower()


@BOTH_SIZES
async def test_a_drop_in_the_middle_of_an_encrypted_mail_is_temporary_and_after_the_dot_unknown(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], data: bytes
) -> None:
    faults = [Fault("body", do="drop", after_bytes=700, times=1), Fault("dot", do="drop", times=1)]
    async with ScriptedSmtp(faults=faults, tls=certificates[0]) as server:
        kinds = [(await deliver(server, data, tls="starttls", tls_context=certificates[1])).kind for _ in range(3)]

    assert kinds == ["temporary", "unknown", "accepted"]


class Sink:
    """Handler of a real server: keeps what arrives."""

    def __init__(self) -> None:
        self.mails: list[tuple[str | None, list[str], bytes]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 kept"


@BOTH_SIZES
async def test_a_real_server_takes_several_mails_over_one_connection(data: bytes) -> None:
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink, hostname="real.test"), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async with server, SmtpTransport(SmtpSettings("127.0.0.1", port, local_hostname="portal.test")) as transport:
        for name in ("bob", "eve"):
            outcome = await transport.deliver("help@portal.test", f"{name}@example.org", data, nothing)
            assert outcome == Outcome("accepted", 250, "kept")

    assert sink.mails == [
        ("help@portal.test", ["bob@example.org"], data),
        ("help@portal.test", ["eve@example.org"], data),
    ]
