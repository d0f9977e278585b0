"""Refusals of the API: one JSON shape, and a status for each error of the services."""

from __future__ import annotations

from collections.abc import Mapping

from quart import Blueprint, Response

from app.api.answers import answer
from app.api.models import ErrorBody, ErrorDetail
from app.tickets.errors import AuthorRefused, BodyTooLarge, TicketNotFound, TicketRefused


class Refused(Exception):
    """A request that will not do, with the HTTP status that says so."""

    def __init__(self, code: int, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields


def install(blueprint: Blueprint) -> None:
    """Answer what the blueprint's views raise, as JSON."""

    @blueprint.errorhandler(Refused)
    async def refused(error: Refused) -> Response:
        return refusal(error.code, error.message, error.fields)

    @blueprint.errorhandler(TicketNotFound)
    async def not_found(error: TicketNotFound) -> Response:
        return refusal(404, str(error))

    @blueprint.errorhandler(TicketRefused)
    async def ticket_refused(error: TicketRefused) -> Response:
        code = 413 if isinstance(error, BodyTooLarge) else 403 if isinstance(error, AuthorRefused) else 422
        return refusal(code, str(error), {_API_NAMES.get(name, name): words for name, words in error.fields.items()})


_API_NAMES = {"body": "html_body", "after": "cursor"}
"""What the services call a field → what the API calls it."""


def refusal(code: int, message: str, fields: Mapping[str, str] | None = None) -> Response:
    """The answer {"error": {"code", "message", "fields"?}}."""
    named = {name: words for name, words in (fields or {}).items() if name}
    return answer(ErrorBody(error=ErrorDetail(code=code, message=message, fields=named or None)), code)
