"""/privacy/…: the opt-out page. Its link is all that it asks for: no login, no cookie.

Mail scanners follow links, and some press buttons: looking changes nothing, and a form has to carry what the page gave.
"""

from __future__ import annotations

import structlog
from quart import Blueprint, Response, redirect, request
from quart.typing import ResponseReturnValue

from app.consent import optout, rules
from app.consent.links import PATH, OptOutLinks
from app.database import DatabaseUnavailable
from app.runtime import current
from app.web.access import open_to_all
from app.web.lone import lone_page, masked, private

opt_out = Blueprint("opt_out", __name__, url_prefix=PATH)
log = structlog.get_logger(__name__)


@opt_out.get("/<token>")
@open_to_all
async def show(token: str) -> ResponseReturnValue:
    """Say what is recorded and what was decided, with one button to change it."""
    return await _page(token)


@opt_out.post("/<token>")
@open_to_all
async def decide(token: str) -> ResponseReturnValue:
    """Keep the decision of who pressed the button, and show the page again."""
    links = OptOutLinks(current().settings.keys)
    recipient_id = links.read(token)
    if recipient_id is None:
        return await _unknown()
    form = await request.form
    decision = form.get("decision", "")
    if decision not in {"refused", "allowed"} or not links.is_form(token, form.get("form", "")):
        return await _page(token, wrong=True)
    try:
        if not await optout.decide(recipient_id, decision):
            return await _unknown()
    except DatabaseUnavailable as error:
        return await _away(error)
    response = redirect(request.path, 303)
    return private(response) if isinstance(response, Response) else response


async def _page(token: str, *, wrong: bool = False) -> Response:
    links = OptOutLinks(current().settings.keys)
    recipient_id = links.read(token)
    if recipient_id is None:
        return await _unknown()
    try:
        found = await optout.reader(recipient_id)
    except DatabaseUnavailable as error:
        return await _away(error)
    if found is None:
        return await _unknown()
    return await lone_page(
        "consent/page.html",
        400 if wrong else 200,
        email=masked(found.email),
        refused=found.decision.decision == "refused",
        decided=rules.sentence(rules.decided(found.decision)) if found.decision.at else "",
        form=links.form(token),
        wrong=wrong,
    )


async def _unknown() -> Response:
    return await lone_page("consent/unknown.html", 404)


async def _away(error: DatabaseUnavailable) -> Response:
    log.error("database unavailable", endpoint=request.endpoint, error=str(error))
    response = await lone_page("consent/away.html", 503)
    response.headers["Retry-After"] = "60"
    return response
