"""Logs by structlog: for people on a terminal, JSON for machines; secrets never reach them."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from app.settings import Settings

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
HIDDEN = frozenset({"password", "secret", "token", "api_key", "authorization", "cookie", "secret_key"})


def configure(settings: Settings) -> None:
    """Set up this process's logging, to standard error."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    # asyncio warns of each write to a client that hung up in the middle of an answer; browsers do that all day.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _hide_secrets,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def to_standard_error() -> None:
    """Log to standard error until `configure` knows better: standard output is a command's own."""
    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


class ToStructlog(logging.Handler):
    """Hands what a library tells the standard log on to ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record with the same level and traceback."""
        structlog.get_logger(record.name).log(record.levelno, record.getMessage(), exc_info=record.exc_info)


def _hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event.keys() & HIDDEN:
        event[key] = "(hidden)"
    return event
