"""/api/openapi.json: the API in OpenAPI 3.1, made from the routes below /api that say what they answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from quart import Blueprint, Quart, Response, current_app, jsonify
from quart_schema import (
    APIKeySecurityScheme,
    HttpSecurityScheme,
    Info,
    OpenAPIProvider,
    QuartSchema,
    Server,
    hide,
)
from quart_schema.validation import QUART_SCHEMA_RESPONSE_ATTRIBUTE
from werkzeug.routing import BaseConverter, Rule
from werkzeug.routing.converters import NumberConverter

from app.api.models import ErrorBody, FileAnswer
from app.runtime import current
from app.settings import Settings
from app.web.access import anonymous, session_cookie

openapi = Blueprint("openapi", __name__)

ABOUT = (
    "Everything here is done in the name of an agent: send their API token as `Authorization: Bearer mp_…`. Make one "
    "under *Profile* or with `myportal create-token EMAIL`. Times are ISO 8601 in UTC. Unknown fields are refused."
)

REFUSALS = {
    400: "Not JSON, or the request named another host.",
    401: "No API token, or one that is unknown or revoked.",
    403: "The account may not do this.",
    404: "There is no such ticket, reply or contact, or nothing of the kind about it.",
    405: "The address takes other methods; `Allow` names them.",
    409: "It cannot be done in the state it is in.",
    413: "Too large; the message has the numbers.",
    422: "A field does not hold; `fields` names each.",
    503: "The database does not answer; try again in a moment.",
}


@openapi.get("/openapi.json")
@anonymous
@hide
async def description() -> Response:
    """The description itself; it is no secret, so it needs no login."""
    app: Quart = current_app._get_current_object()  # type: ignore[attr-defined]
    if "openapi" not in app.extensions:
        app.extensions["openapi"] = describe(app, current().settings)
    return jsonify(app.extensions["openapi"])


def describe(app: Quart, settings: Settings) -> dict[str, Any]:
    """The OpenAPI document of an application, plugins' documented endpoints included."""
    app.config.setdefault("QUART_SCHEMA_CONVERT_CASING", False)
    app.config.setdefault("QUART_SCHEMA_CONVERSION_PREFERENCE", "pydantic")
    # Not installed into the app: it would rewrite how every page is answered, and only the description is wanted.
    schema = QuartSchema(
        openapi_path=None,
        info=Info(title="MyPortal", version="1", description=ABOUT),
        servers=[Server(url=settings.portal_url)] if settings.portal_url else None,
        security_schemes={
            "token": HttpSecurityScheme(scheme="bearer"),
            "session": APIKeySecurityScheme(name=session_cookie(settings), in_="cookie"),
        },
        security=[{"token": []}, {"session": []}],
    )
    return _Provider(app, schema).schema()


class _Provider(OpenAPIProvider):
    """Only what lies below /api and names its answers; refusals are the same everywhere."""

    def schema(self) -> dict[str, Any]:
        document = super().schema()
        error, definitions = self.build_response_object(ErrorBody, None)
        document["components"]["schemas"].update(definitions)
        for path in document["paths"].values():
            for operation in path.values():
                for code, words in REFUSALS.items():
                    operation["responses"].setdefault(str(code), {**error, "description": words})
        return document

    def generate_rules(self) -> Iterable[Rule]:
        for rule in super().generate_rules():
            view = self._app.view_functions[rule.endpoint]
            if rule.rule.startswith("/api/") and hasattr(view, QUART_SCHEMA_RESPONSE_ATTRIBUTE):
                yield rule

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, components = super().build_paths(rule)
        for path in paths.values():
            for operation in path.values():
                operation["responses"] = {str(code): value for code, value in operation["responses"].items()}
                if "requestBody" in operation:
                    operation["requestBody"]["required"] = True
        return paths, components

    def build_response_object(self, model: Any, headers_model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        if isinstance(model, type) and issubclass(model, FileAnswer):
            content = {model.media_type: {"schema": {"type": "string", "format": "binary"}}}
            return {"content": content, "description": inspect.getdoc(model) or ""}, {}
        return super().build_response_object(model, headers_model)

    def build_path_parameter(self, name: str, converter: BaseConverter) -> dict[str, Any]:
        parameter = super().build_path_parameter(name, converter)
        if isinstance(converter, NumberConverter):
            limits = {"minimum": converter.min, "maximum": converter.max}
            parameter["schema"].update({key: value for key, value in limits.items() if value is not None})
        return parameter

    def operation_id(self, method: str, path: str, func: Callable[..., Any]) -> str | None:
        return func.__name__
