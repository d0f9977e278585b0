"""The door of a web process: who comes in once it is to close, so that nobody who came in leaves without an answer.

A listening socket that is closed takes with it whoever connected and was not accepted yet: they have been told that
they are connected, and get a reset in place of an answer. So a process that ends lets nobody begin to connect any more
and goes on to accept until nobody waits; and one that is replaced leaves those that wait to its successor, which has
the same socket.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

_SO_ATTACH_FILTER = 26
_SO_DETACH_FILTER = 27
_TCP_INFO_BYTES = 104
_UNACKED = 24
"""Where in `tcp_info` the number stands that is, for a listening socket, that of connections nobody has accepted."""


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint))


_FIRST_PACKETS = (
    _Step(0x30, 0, 0, 13),  # load the TCP flags
    _Step(0x54, 0, 0, 0x12),  # keep SYN and ACK
    _Step(0x15, 0, 1, 0x02),  # SYN alone?
    _Step(0x06, 0, 0, 0),  # then drop the packet
    _Step(0x06, 0, 0, 0xFFFF_FFFF),  # else take it whole
)
"""Drops what begins a connection. Source: Linux, Documentation/networking/filter.rst, and RFC 9293."""


def shut(sock: socket.socket) -> None:
    """Let nobody begin to connect any more, through whichever descriptor the socket is held; who has begun comes in.

    Clients over TCP try again by themselves after a second, and find the next process or nobody. A unix socket loses
    its path. Does nothing where the system cannot.
    """
    if sock.family == socket.AF_UNIX:
        Path(sock.getsockname()).unlink(missing_ok=True)
    elif sys.platform == "linux":
        steps = (_Step * len(_FIRST_PACKETS))(*_FIRST_PACKETS)
        program = struct.pack("HL", len(steps), ctypes.addressof(steps))
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def open_again(sock: socket.socket) -> None:
    """Take back what `shut` did to a TCP socket."""
    if sock.family != socket.AF_UNIX and sys.platform == "linux":
        # ENOENT where it is open.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


def waiting(sock: socket.socket) -> int:
    """How many have connected that nobody has accepted yet; 0 where the system does not tell. Source: tcp(7)."""
    if sock.family == socket.AF_UNIX or sys.platform != "linux":
        return 0
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    return int(struct.unpack_from("I", info, _UNACKED)[0])


def leave_to_others(fd: int) -> None:
    """Accept nobody any more through the descriptor `fd`, whose socket others go on to accept from.

    Granian closes its connections together with the socket and knows nothing in between. So it is given another one
    under the same number: a socket that nobody can connect to.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as nobody:
        # Linux finds a name for it that is in no file system.
        nobody.bind("")
        nobody.listen(1)
        nobody.setblocking(False)
        os.dup2(nobody.fileno(), fd, inheritable=False)
