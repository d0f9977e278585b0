"""`myportal doctor`: what an operator wants to know before asking for help."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from app.database import DatabaseUnavailable
from app.hookspecs import CheckResult
from app.inbound import checks as inbound
from app.outbound.ourselves import stranger, visit
from app.runtime import Runtime
from app.settings import LOOPBACK_HOSTS, ConfigurationError

SMTP_DEADLINE = 5.0
PORTAL_TIMEOUT = 3.0
"""Seconds for each step of a request to the portal's own address."""


async def examine(runtime: Runtime) -> list[CheckResult]:
    """All checks, in the order in which to mend what fails."""
    results = [await _portal_url(runtime)]
    try:
        await runtime.check_schema()
        results.append(CheckResult("Database", True, "answers, and every migration is applied"))
        await runtime.modules.refresh()
    except (DatabaseUnavailable, ConfigurationError) as error:
        results.append(CheckResult("Database", False, str(error)))
    results.append(await _mail_server(runtime))
    results += await inbound.examine(runtime)
    for state in runtime.modules.all():
        if not state.enabled:
            results.append(CheckResult(state.info.name, True, "off"))
            continue
        checks = await runtime.plugins.check(state.info.slug, thorough=True)
        results += [CheckResult(f"{state.info.name}, {check.name}", check.ok, check.message) for check in checks]
    return results


async def _portal_url(runtime: Runtime) -> CheckResult:
    name, url = "PORTAL_URL", runtime.settings.portal_url
    if url is None:
        return CheckResult(name, False, "is not set; set it to the address people use, with https://")
    found = await visit(url, ["/healthz", "/login"], timeout=PORTAL_TIMEOUT)
    for answer, is_ours in zip(found.answers, (_is_alive, _is_login), strict=False):
        problem = is_ours(answer)
        if problem:
            return CheckResult(name, False, f"{url}{answer.url.path} {problem}")
    if found.problem:
        return CheckResult(name, False, f"{url}: {found.problem}")
    parts = urlsplit(url)
    if parts.hostname in LOOPBACK_HOSTS:
        return CheckResult(name, True, f"{url} answers (only on this machine: for trying out)")
    if parts.scheme != "https":
        return CheckResult(name, False, f"{url} answers, without TLS: serve it over https:// and name that")
    if found.inside:
        return CheckResult(
            name,
            False,
            f"{url} answers here, but cannot be reached from outside, as far as can be told: {found.inside}",
        )
    if found.ends is not None:
        words = f"{url} answers, but its certificate ends on {found.ends:%-d %b %Y}: see why it is not renewed"
        return CheckResult(name, False, words)
    return CheckResult(name, True, f"{url} answers, with a good certificate")


def _is_alive(answer: httpx.Response) -> str:
    return "" if answer.status_code == HTTPStatus.OK and answer.content == b"ok\n" else stranger(answer)


def _is_login(answer: httpx.Response) -> str:
    if answer.status_code == HTTPStatus.BAD_REQUEST:
        return "answers 400: the proxy in front must pass the Host header on as it came"
    return "" if answer.status_code == HTTPStatus.OK else stranger(answer)


async def _mail_server(runtime: Runtime) -> CheckResult:
    settings = runtime.settings
    if settings.smtp_host is None:
        return CheckResult("Mail server", False, "SMTP_HOST is not set; mails wait in the outbox until it is")
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        async with asyncio.timeout(SMTP_DEADLINE):
            _, writer = await asyncio.open_connection(settings.smtp_host, settings.smtp_port)
    except (OSError, TimeoutError) as error:
        return CheckResult("Mail server", False, f"{where} does not answer: {error or 'timed out'}")
    writer.close()
    await writer.wait_closed()
    return CheckResult("Mail server", True, f"{where} answers")
