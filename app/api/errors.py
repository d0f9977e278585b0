"""Refusals of the API: one JSON shape, and a status for each error of the services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from quart import Blueprint, Response

from app.api.answers import answer
from app.api.models import ErrorBody, ErrorDetail
from app.contacts.errors import ContactNotFound, ContactRefused
from app.tickets.errors import AuthorRefused, BodyTooLarge, SearchTooBroad, TicketNotFound, TicketRefused
from app.views.errors import ViewNotFound, ViewRefused


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

    @blueprint.errorhandler(ContactNotFound)
    async def no_contact(error: ContactNotFound) -> Response:
        return refusal(404, str(error))

    @blueprint.errorhandler(ViewNotFound)
    async def no_view(error: ViewNotFound) -> Response:
        return refusal(404, str(error))

    @blueprint.errorhandler(ViewRefused)
    async def view_refused(error: ViewRefused) -> Response:
        return refusal(422, str(error), error.fields)

    @blueprint.errorhandler(ContactRefused)
    async def contact_refused(error: ContactRefused) -> Response:
        return refusal(422, str(error), error.fields)

    @blueprint.errorhandler(SearchTooBroad)
    async def too_broad(error: SearchTooBroad) -> Response:
        return refusal(422, str(error), {"q": str(error)})

    @blueprint.errorhandler(TicketRefused)
    async def ticket_refused(error: TicketRefused) -> Response:
        return refusal(_status(error), str(error), error.fields)


@contextmanager
def called(**names: str) -> Iterator[None]:
    """Name fields in refusals as the API calls them: `called(body="text_body")`."""
    try:
        yield
    except TicketRefused as error:
        fields = {names.get(name, name): words for name, words in error.fields.items()}
        raise Refused(_status(error), str(error), fields) from None


def _status(error: TicketRefused) -> int:
    if isinstance(error, BodyTooLarge):
        return 413
    return 403 if isinstance(error, AuthorRefused) else 422


def refusal(code: int, message: str, fields: Mapping[str, str] | None = None) -> Response:
    """The answer {"error": {"code", "message", "fields"?}}."""
    named = {name: words for name, words in (fields or {}).items() if name}
    return answer(ErrorBody(error=ErrorDetail(code=code, message=message, fields=named or None)), code)
