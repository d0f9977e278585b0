"""For supervisors and monitoring: does the process live, can it work, what does it count."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST
from quart import Blueprint, Response, jsonify
from quart.typing import ResponseReturnValue

from app.database import DatabaseUnavailable
from app.runtime import current
from app.server import stopping
from app.settings import ConfigurationError
from app.web.access import open_to_all
from app.web.metrics import exposition

health = Blueprint("health", __name__)


@health.get("/healthz")
@open_to_all
async def alive() -> ResponseReturnValue:
    """The process lives; touches nothing else."""
    return Response("ok\n", mimetype="text/plain")


@health.get("/readyz")
@open_to_all
async def ready() -> ResponseReturnValue:
    """200 when the database answers, the schema is up to date and no module is hindered; 503 with the reasons."""
    if stopping.is_set():
        return _not_ready("stopping")
    checks = await current().plugins.readiness()
    told = {check.name: check.message for check in checks}
    reasons = [f"{check.name}: {check.message}" for check in checks if not check.ok]
    try:
        await current().check_schema()
    except (DatabaseUnavailable, ConfigurationError) as error:
        reasons.insert(0, str(error))
    if reasons:
        return _not_ready("; ".join(reasons), told)
    return jsonify({"ready": True} | ({"checks": told} if told else {}))


def _not_ready(reason: str, checks: Mapping[str, str] | None = None) -> Response:
    response = jsonify({"ready": False, "reason": reason} | ({"checks": checks} if checks else {}))
    response.status_code = 503
    return response


@health.get("/metrics")
@open_to_all
async def metrics() -> ResponseReturnValue:
    """Counters for Prometheus; nothing about people is in them."""
    return Response(exposition(), content_type=CONTENT_TYPE_LATEST)
