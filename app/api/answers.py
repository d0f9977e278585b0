"""JSON answers made from models."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel
from quart import Response


def answer(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A model as JSON. Of an error, what is not said is left out; elsewhere null says that there is nothing."""
    body = model.model_dump_json(exclude_none=status >= 400)
    return Response(body, status=status, headers=dict(headers or {}), mimetype="application/json")
