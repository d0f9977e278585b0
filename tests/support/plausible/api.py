"""Which part of an instance answers which path."""

from __future__ import annotations

from tests.support.plausible import ingestion, scripts
from tests.support.plausible.http import Request, Response
from tests.support.plausible.model import Instance


def answer(instance: Instance, request: Request) -> Response:
    """Answer a request as this instance does."""
    match request.method, request.path:
        case "POST", "/api/event":
            return ingestion.take_event(instance, request)
        case "GET", "/api/system/health/live":
            return Response.of_json(200, {"ok": True})
        case "GET", "/api/system/health/ready":
            state = "ok" if instance.ready else "error"
            return Response.of_json(200 if instance.ready else 500, {"postgres": state, "clickhouse": state})
    if request.method == "GET" and request.path.startswith(scripts.PREFIX):
        return scripts.answer(request.path)
    return Response(404, b"Not Found")
