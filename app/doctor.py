"""`myportal doctor`: what an operator wants to know before asking for help."""

from __future__ import annotations

import asyncio

from app.database import DatabaseUnavailable
from app.hookspecs import CheckResult
from app.runtime import Runtime
from app.settings import ConfigurationError

SMTP_DEADLINE = 5.0


async def examine(runtime: Runtime) -> list[CheckResult]:
    """All checks, in the order in which to mend what fails."""
    results = [_portal_url(runtime)]
    try:
        await runtime.check_schema()
        results.append(CheckResult("Database", True, "answers, and every migration is applied"))
        await runtime.modules.refresh()
    except (DatabaseUnavailable, ConfigurationError) as error:
        results.append(CheckResult("Database", False, str(error)))
    results.append(await _mail_server(runtime))
    for state in runtime.modules.all():
        if not state.enabled:
            results.append(CheckResult(state.info.name, True, "off"))
            continue
        checks = await runtime.plugins.check(state.info.slug)
        results += [CheckResult(f"{state.info.name}, {check.name}", check.ok, check.message) for check in checks]
    return results


def _portal_url(runtime: Runtime) -> CheckResult:
    settings = runtime.settings
    if settings.portal_url is None:
        return CheckResult("PORTAL_URL", False, "is not set; set it to the address people use, with https://")
    if not settings.is_https:
        return CheckResult("PORTAL_URL", True, f"{settings.portal_url} (not https: for trying out only)")
    return CheckResult("PORTAL_URL", True, settings.portal_url)


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
