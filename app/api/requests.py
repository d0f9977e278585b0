"""Bodies and query strings, checked against a model before a view sees them, and named in /api/openapi.json."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from quart import request
from quart_schema import document_querystring, document_request

from app.api.errors import Refused

M = TypeVar("M", bound=BaseModel)
P = ParamSpec("P")
R = TypeVar("R")
View = Callable[P, Awaitable[R]]


def takes(model: type[BaseModel]) -> Callable[[Callable[..., Awaitable[R]]], Callable[..., Awaitable[R]]]:
    """Give a view the JSON body as the keyword `body`; what does not fit the model is refused before it."""

    def decorate(view: Callable[..., Awaitable[R]]) -> Callable[..., Awaitable[R]]:
        @wraps(view)
        async def checked(**arguments: Any) -> R:
            return await view(**arguments, body=await _json(model))

        return document_request(model)(checked)

    return decorate


def asks(model: type[BaseModel]) -> Callable[[Callable[..., Awaitable[R]]], Callable[..., Awaitable[R]]]:
    """Give a view the query string as the keyword `query`; what does not fit the model is refused before it."""

    def decorate(view: Callable[..., Awaitable[R]]) -> Callable[..., Awaitable[R]]:
        @wraps(view)
        async def checked(**arguments: Any) -> R:
            return await view(**arguments, query=_query(model))

        return document_querystring(model)(checked)

    return decorate


async def _json(model: type[M]) -> M:
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise Refused(
            400,
            f"The body must be JSON; send it with Content-Type: application/json, not {request.mimetype or 'none'!r}.",
        )
    try:
        return model.model_validate_json(await request.get_data(cache=False))
    except ValidationError as error:
        raise _refused(model, error) from None


def _query(model: type[M]) -> M:
    given = request.args.to_dict(flat=False)
    doubled = {name: "is given more than once; give it once." for name, values in given.items() if len(values) > 1}
    if doubled:
        raise Refused(422, _sentence(doubled), doubled)
    try:
        return model.model_validate({name: values[0] for name, values in given.items()})
    except ValidationError as error:
        raise _refused(model, error) from None


def _refused(model: type[BaseModel], error: ValidationError) -> Refused:
    fields: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] == "json_invalid":
            return Refused(400, f"The body is not JSON: {detail['ctx']['error']}.")
        if not detail["loc"]:
            return Refused(422, f"The body must be a JSON object with {', '.join(model.model_fields)}.")
        fields.setdefault(str(detail["loc"][0])[:100], _words(model, detail))
    return Refused(422, _sentence(fields), fields)


def _words(model: type[BaseModel], detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "is missing; give it."
    if detail["type"] == "extra_forbidden":
        return f"is unknown; known are {', '.join(model.model_fields)}."
    message = detail["msg"].removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}, got {_shown(detail['input'])}."


def _shown(value: object) -> str:
    words = repr(value)
    return words if len(words) <= 60 else f"{words[:60]}…"


def _sentence(fields: Mapping[str, str]) -> str:
    return " ".join(f"`{name}` {words}" for name, words in fields.items())
