"""Which part of an instance answers which path."""

from __future__ import annotations

from tests.support.plausible import ingestion, plugins_api, scripts, sites_api, stats_api
from tests.support.plausible.http import Request, Response
from tests.support.plausible.model import Instance


def answer(instance: Instance, request: Request) -> Response:
    """Answer a request as this instance does."""
    match request.method, request.path:
        case "POST", "/api/event":
            return ingestion.take_event(instance, request)
        case "POST", stats_api.PATH:
            return stats_api.answer(instance, request)
        case "GET", "/api/system/health/live":
            return Response.of_json(200, {"ok": True})
        case "GET", "/api/system/health/ready":
            state = "ok" if instance.ready else "error"
            return Response.of_json(200 if instance.ready else 500, {"postgres": state, "clickhouse": state})
    if request.method == "GET" and request.path.startswith(scripts.PREFIX):
        return scripts.answer(request.path)
    if _is_below(sites_api.PREFIX, request.path):
        return sites_api.answer(instance, request)
    if _is_below(plugins_api.PREFIX, request.path):
        return plugins_api.answer(instance, request)
    return Response(404, b"Not Found")


def _is_below(prefix: str, path: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
