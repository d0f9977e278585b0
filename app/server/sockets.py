"""The sockets that the web processes listen on."""

from __future__ import annotations

import contextlib
import socket
import stat
from pathlib import Path

from app.settings import ConfigurationError


def claim_port(host: str, port: int, *, option: str) -> socket.socket:
    """Bind, or say what is wrong and the way out. option: the command-line option that names the port.

    Raises ConfigurationError.
    """
    return _claim(host, port, option=option, shared=False)


def claim_port_for_each(count: int, host: str, port: int, *, option: str) -> list[socket.socket]:
    """The same port `count` times; the kernel spreads connections evenly over those that listen (SO_REUSEPORT).

    With one socket for all, whoever wakes first takes most of a burst. Raises ConfigurationError.
    """
    # Those that share would also share with a stranger; this one refuses a port that anybody has.
    with claim_port(host, port, option=option) as alone:
        port = alone.getsockname()[1]
    return [_claim(host, port, option=option, shared=True) for _ in range(count)]


def renewed(sock: socket.socket) -> socket.socket:
    """A socket without the connections that wait for nobody, bound alike; the old one is closed.

    One that does not share its address stays as it is: whoever else holds it serves what waits.
    """
    if sock.family == socket.AF_UNIX or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT):
        return sock
    host, port = sock.getsockname()[:2]
    fresh = _claim(host, port, option="--port", shared=True)
    sock.close()
    return fresh


def _claim(host: str, port: int, *, option: str, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, because asyncio sends small packets at once (TCP_NODELAY) only on sockets that are; otherwise the
    # end of each answer waits 40 ms for the client to acknowledge its beginning.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
    # Accepted connections inherit this, whoever accepts them.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"Port {port} on {host} cannot be used: {reason}. Another program may have it; "
            f"stop that one, or choose another port with {option}."
        ) from None
    return sock


def claim_path(path: Path, *, option: str) -> socket.socket:
    """Bind a unix socket that every local user may connect to, or say what is wrong and the way out.

    The folder's permissions decide who reaches it. A socket that nobody answers any more is replaced. option: the
    command-line option that names the path. Raises ConfigurationError.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_abandoned(path)
        sock.bind(str(path))
        path.chmod(0o666)
    except OSError as error:
        sock.close()
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"The unix socket {path} cannot be used: {reason}. Choose another path with {option}."
        ) from None
    return sock


def remove_path(path: Path, inode: int) -> None:
    """Remove the path of a unix socket, unless another process has taken the name since it was `inode`."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_ino == inode:
            path.unlink()


def _remove_abandoned(path: Path) -> None:
    """Remove what a process that was killed left; a living one's socket, or another file, stays for bind to refuse."""
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
