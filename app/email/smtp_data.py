"""The DATA stage of SMTP, written so that a lost connection can be judged.

A client that writes body and final dot in one go cannot tell, when the connection drops,
whether the server ever saw the dot. So the dot goes last and alone: after the body has left
our buffers and the kernel's, and after a moment in which a drop would have shown.
"""

import array
import asyncio
import fcntl
import re
import socket
import termios
from dataclasses import dataclass

from aiosmtplib import SMTPException, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

GRACE = 0.02
"""Seconds between the last byte of the body leaving us and the dot: long enough for a reset to arrive."""

_SHORTEST_LOOK = 0.001
_EARLY_LOOK = 0.005
_EARLY = 0.1
"""Seconds for which it is looked often: a receiver confirms a short mail after 40 ms (delayed ACK), and each look that
comes late holds up the connection's next mail.
"""
_LONGEST_LOOK = 0.05
_START_MAIL_INPUT = 354
_LINE_ENDS = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class DataReply:
    """How the DATA stage ended.

    code, text: the server's answer; code None if there was none, text then says in our words why.
    dot_sent: whether the final dot was handed to the network, so that the server may have the mail.
    complete: whether the conversation is in order and the connection can carry the next mail.
    """

    code: int | None
    text: str
    dot_sent: bool
    complete: bool


async def send(
    protocol: SMTPProtocol,
    data: bytes,
    *,
    timeout: float,
    stall_timeout: float,
    body_timeout: float,
    final_timeout: float,
) -> DataReply:
    """Send DATA, the mail and the dot over a connection whose server has taken sender and recipient.

    Times are in seconds as in `SmtpSettings`; stall_timeout counts from the last byte that went out. Raises only
    CancelledError; the caller then ends the connection.
    """
    try:
        start = await protocol.execute_command(b"DATA", timeout=timeout)
    except (SMTPException, OSError) as error:
        return _lost("before the mail was sent", error, dot_sent=False)
    if start.code != _START_MAIL_INPUT:
        return DataReply(start.code, start.message, dot_sent=False, complete=400 <= start.code < 600)
    # From here on somebody always listens: a server may refuse or drop in the middle of the mail.
    answer = asyncio.ensure_future(protocol.read_response())
    try:
        await asyncio.sleep(0)
        return await _send_mail(protocol, data, answer, stall_timeout, body_timeout, final_timeout)
    finally:
        if not answer.done():
            answer.cancel()
            await asyncio.wait({answer})


async def _send_mail(
    protocol: SMTPProtocol,
    data: bytes,
    answer: asyncio.Future[SMTPResponse],
    stall_timeout: float,
    body_timeout: float,
    final_timeout: float,
) -> DataReply:
    transport = protocol.transport
    try:
        protocol.write(stuffed(data))
        problem = await _leave(transport, answer, stall_timeout, body_timeout)
        if problem is not None:
            return DataReply(None, problem, dot_sent=False, complete=False)
        if answer.done():
            return _early(answer)
        protocol.write(b".\r\n")
    except (SMTPException, OSError) as error:
        return _lost("before the mail was complete", error, dot_sent=False)
    await asyncio.wait({answer}, timeout=final_timeout)
    if not answer.done():
        return DataReply(
            None,
            f"The mail server did not answer within {final_timeout:g} s after the whole mail was sent.",
            dot_sent=True,
            complete=False,
        )
    try:
        response = answer.result()
    except (SMTPException, OSError) as error:
        return _lost("after the whole mail was sent", error, dot_sent=True)
    return DataReply(response.code, response.message, dot_sent=True, complete=True)


def stuffed(data: bytes) -> bytes:
    """Return a message as it travels in DATA, without the final dot: CRLF line ends, doubled leading dots."""
    data = _LINE_ENDS.sub(b"\r\n", data)
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    data = data.replace(b"\r\n.", b"\r\n..")
    return b"." + data if data.startswith(b".") else data


async def _leave(
    transport: asyncio.BaseTransport | None,
    answer: asyncio.Future[SMTPResponse],
    stall_timeout: float,
    body_timeout: float,
) -> str | None:
    """Wait until the other side's kernel has the whole body and a grace time is over, or an answer came.

    Returns what is wrong if the server does not read, in time or at all. A TLS transport hides the buffer of the
    socket below it; it is caught by looking again after the grace time.
    """
    clock = asyncio.get_running_loop().time
    begun = clock()
    end = begun + body_timeout
    deadline, least, look = clock() + stall_timeout, None, _SHORTEST_LOOK
    while not answer.done():
        unsent = _unsent(transport)
        if unsent == 0:
            await asyncio.wait({answer}, timeout=GRACE)
            if answer.done() or _unsent(transport) == 0:
                return None
            continue
        if least is None or unsent < least:
            deadline, least = clock() + stall_timeout, unsent
        elif clock() > deadline:
            return f"The mail server took no data for {stall_timeout:g} s."
        if clock() > end:
            return f"The mail server did not take the whole mail within {body_timeout:g} s."
        await asyncio.wait({answer}, timeout=look)
        look = min(look * 2, _EARLY_LOOK if clock() - begun < _EARLY else _LONGEST_LOOK)
    return None


def _early(answer: asyncio.Future[SMTPResponse]) -> DataReply:
    """Judge what came before the dot: a refusal or a drop, in no case an acceptance."""
    try:
        response = answer.result()
    except (SMTPException, OSError) as error:
        return _lost("before the mail was complete", error, dot_sent=False)
    return DataReply(response.code, response.message, dot_sent=False, complete=False)


def _lost(when: str, error: Exception, *, dot_sent: bool) -> DataReply:
    if isinstance(error, SMTPResponseException):
        text = f"The mail server gave no proper answer {when}: {error.message}"
    elif isinstance(error, TimeoutError):
        text = f"The mail server did not answer {when}."
    else:
        text = f"The connection was lost {when} ({error.__cause__ or error})."
    return DataReply(None, text, dot_sent, complete=False)


def _unsent(transport: asyncio.BaseTransport | None) -> int:
    """Return how many bytes wait in our buffer or have not reached the other side's kernel."""
    if not isinstance(transport, asyncio.WriteTransport):
        return 0
    waiting = transport.get_write_buffer_size()
    raw = transport.get_extra_info("socket")
    return waiting + (_in_kernel(raw) if raw is not None else 0)


def _in_kernel(raw: socket.socket) -> int:
    """Return the size of the socket's send queue (SIOCOUTQ on Linux); 0 where the system does not tell."""
    size = array.array("i", [0])
    try:
        fcntl.ioctl(raw.fileno(), termios.TIOCOUTQ, size)
    except (OSError, ValueError):
        return 0
    return size[0]
