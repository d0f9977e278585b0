"""The portal, seen from the network: does its public address lead here, as far as a process inside can tell.

The only calls that may go to any address, this machine's too: the operator named it, in PORTAL_URL or TRACKING_URL, and
whether it leads inside is what is asked. Everything else goes through `app.outbound.client` with what
OUTBOUND_ALLOWED says.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import httpx

from app.database import utcnow
from app.outbound import rules
from app.outbound.client import TooLarge, client
from app.outbound.guard import NotResolved, Resolver, checked_addresses, resolve
from app.outbound.rules import Allowed

EVERYWHERE = Allowed.parse(["0.0.0.0/0", "::/0"])
MAX_ANSWER = 200_000
"""Bytes."""
LAST_PART = 1 / 6
"""Of a certificate's time: 15 days of 90, where renewing by itself usually happens 30 days before the end."""
INNER_NAMES = frozenset(
    {"corp", "example", "home", "home.arpa", "internal", "intranet", "invalid", "lan", "local", "localdomain",
     "localhost", "private", "test"}
)  # fmt: skip
"""Endings that no public name server knows (RFC 2606, 6761, 6762, 8375; ICANN's list of names kept for inner use)."""
CERTIFICATE_FAULTS = {
    9: "is not valid yet (is this host's clock right?)",
    10: "has expired",
    18: "is signed by itself",
    19: "is signed by an authority that is not known here",
    20: "comes without those between it and an authority that is known here",
    21: "comes without those between it and an authority that is known here",
    62: "is for another name",
    64: "is for another address",
}
"""By OpenSSL's verify code (x509_vfy.h)."""


@dataclass(frozen=True)
class Visit:
    """What came of going to our own address."""

    inside: str
    """Why it cannot be reached from outside, as far as can be told; '' where nothing speaks against it."""
    answers: tuple[httpx.Response, ...]
    problem: str = ""
    """Why there are fewer answers than requests, with the way out."""
    ends: datetime | None = None
    """When the certificate ends, where that is so near that its renewal does not seem to work."""


async def visit(
    url: str,
    paths: Sequence[str],
    *,
    timeout: float,
    resolver: Resolver = resolve,
    verify: ssl.SSLContext | None = None,
) -> Visit:
    """Get each path below our own address, one after the other, without following redirects.

    url: scheme, host and port. timeout: seconds for each step of a request.
    """
    try:
        inside = await _inside(url, resolver)
    except (ValueError, httpx.TransportError) as error:
        return Visit("", (), no_answer(error))
    answers: list[httpx.Response] = []
    ends = None
    try:
        async with client(EVERYWHERE, timeout=timeout, max_bytes=MAX_ANSWER, resolver=resolver, verify=verify) as http:
            for path in paths:
                answers.append(await http.get(f"{url}{path}"))
                ends = _near_end(answers[-1])
    except (ValueError, httpx.TransportError) as error:
        return Visit(inside, tuple(answers), no_answer(error), ends)
    return Visit(inside, tuple(answers), ends=ends)


def _near_end(answer: httpx.Response) -> datetime | None:
    """When the certificate of an answer ends, where less than LAST_PART of its time is left."""
    stream = answer.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    certificate = tls.getpeercert() if tls is not None else None
    if not certificate:
        return None
    begin, end = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate[name]), UTC) for name in ("notBefore", "notAfter")
    )
    return end if end - utcnow() < (end - begin) * LAST_PART else None


async def _inside(url: str, resolver: Resolver) -> str:
    """Why only machines inside get to an address. Raises NotResolved and ValueError."""
    parts, host = rules.split(url)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        ending = next((name for name in INNER_NAMES if host.endswith(f".{name}")), None)
        if ending is not None:
            return f"names that end in .{ending} exist in no public name server"
        if "." not in host:
            return f"{host} is a name without a dot, which only your own network knows"
    port = parts.port or (80 if parts.scheme == "http" else 443)
    for address in await checked_addresses(host, port, EVERYWHERE, resolver, plain=False):
        reason = rules.reason_against(host, address, Allowed())
        if reason:
            return reason if reason.startswith(f"{host} ") else f"from here {host} leads inside ({reason})"
    return ""


def no_answer(error: Exception) -> str:
    """Why no answer came, and what to do: words that go after the address."""
    certificate = certificate_fault(error)
    if certificate:
        return (
            f"{certificate}; mail programs refuse it: get one for this name from an authority that they know, and let "
            "the server send the full chain"
        )
    if isinstance(error, NotResolved | ValueError):
        return f"{error}. Check its spelling, and that your name server has an entry for it"
    if isinstance(error, httpx.ConnectTimeout):
        return (
            "takes no connection in time: a firewall, or a network that does not let a server reach its own public "
            "address; load it from outside to see which"
        )
    if isinstance(error, httpx.ConnectError):
        words = str(error) or type(error).__name__
        if "SSL" in words.upper():
            return f"does not speak TLS there ({words}): serve https:// at this port"
        return f"takes no connection ({words}): is the web process running, and the proxy in front of it?"
    if isinstance(error, httpx.TimeoutException):
        return "takes the connection and does not answer in time: the proxy in front does not get through to the portal"
    if isinstance(error, TooLarge):
        return "answers with something too large to be the portal's: it leads to another server"
    return f"breaks the connection ({str(error) or type(error).__name__}): look into the log of the proxy in front"


def certificate_fault(error: BaseException | None) -> str:
    """What is wrong with a server's certificate, where that made a connection fail; '' otherwise."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            words = CERTIFICATE_FAULTS.get(error.verify_code)
            return f"its certificate {words or f'is not accepted: {error.verify_message}'}"
        error = error.__cause__ or error.__context__
    return ""


def stranger(answer: httpx.Response) -> str:
    """What an answer that is not the portal's comes from, and what to do: words that go after the address."""
    status, is_page = answer.status_code, answer.headers.get("content-type", "").startswith("text/html")
    if answer.is_redirect:
        return _redirect(answer)
    if status in {401, 403, 407}:
        return f"answers {status}: a login, a firewall or a bot filter stands in front of it"
    if status in {502, 503, 504} or 520 <= status <= 527:
        return f"answers {status}: the proxy in front does not get through to the portal; is the web process running?"
    if status == 429:
        return "answers 429: something in front limits requests"
    if status == 404:
        return "answers 404: it leads to another server, or the proxy in front does not pass this path on"
    if status == HTTPStatus.OK and is_page:
        return "answers with a web page: a login in front of it, or another server"
    return f"answers {status} with something that is not ours: it leads to another server"


def _redirect(answer: httpx.Response) -> str:
    try:
        target = answer.url.join(answer.headers.get("location", ""))
    except httpx.InvalidURL:
        return f"answers {answer.status_code}, a redirect to nowhere"
    words = f"redirects to {target.scheme}://{target.netloc.decode()}"
    if target.host == answer.url.host and target.scheme != answer.url.scheme:
        return f"{words}: name that address in the setting"
    if target.host == answer.url.host:
        return "redirects to another path: a login, or another server"
    return f"{words}: a login in front of it, or the portal has another name than the setting says"
