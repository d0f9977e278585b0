"""POST /api/event."""

from __future__ import annotations

from tests.support.plausible.drops import drop_reason, find_site, late_drop_reason
from tests.support.plausible.http import Request, Response
from tests.support.plausible.model import Dropped, Event, Instance, Rejected, Site
from tests.support.plausible.payload import Payload, Unreadable, parse, validate
from tests.support.plausible.visitors import client_ip, visitor_id


def take_event(instance: Instance, request: Request) -> Response:
    """Count an event, drop it, or refuse it, as Plausible does."""
    if not _takes_json(request.header("accept")):
        instance.rejected.append(Rejected(406, {}, request))
        return Response(406, b"Not Acceptable")
    try:
        payload, errors = validate(parse(request))
    except Unreadable as error:
        instance.rejected.append(Rejected(error.status, error.errors, request))
        if error.errors:
            return Response.of_json(error.status, {"errors": error.errors})
        return Response(error.status, b"Bad Request" if error.status == 400 else b"Request Entity Too Large")
    if payload is None:
        instance.rejected.append(Rejected(400, errors, request))
        return Response.of_json(400, {"errors": errors})
    dropped = sum(not _count(instance, domain, payload, request) for domain in payload.domains)
    headers = [("x-plausible-dropped", str(dropped))] if dropped else []
    return Response(202, b"ok", headers=[*headers, ("access-control-allow-origin", "*")])


def _takes_json(accept: str | None) -> bool:
    if accept is None:
        return True
    kinds = [one.partition(";")[0].strip().lower() for one in accept.split(",")]
    return any(kind in ("*/*", "application/*", "application/json") for kind in kinds)


def _count(instance: Instance, domain: str, payload: Payload, request: Request) -> bool:
    """Count the event for one site; False where it is dropped."""
    now = instance.clock()
    address = client_ip(request, instance.edition)
    agent = request.header("user-agent") or ""
    site = find_site(instance, domain)
    reason = drop_reason(instance, site, payload, request, address)
    if reason is None and site is not None:
        visitor = visitor_id(
            instance, user_agent=agent, address=address, domain=site.domain, hostname=payload.hostname, now=now
        )
        reason = late_drop_reason(instance, site, payload, visitor)
        if reason is None:
            instance.sessions[visitor] = now
            instance.events.append(
                Event(
                    name=payload.name,
                    url=payload.url,
                    hostname=payload.hostname,
                    pathname=payload.pathname,
                    domain=site.domain,
                    referrer=payload.referrer,
                    props=payload.props,
                    interactive=payload.interactive,
                    revenue=payload.revenue if _earns(instance, site, payload.name) else None,
                    visitor=visitor,
                    client_ip=address,
                    user_agent=agent,
                    received=now,
                    request=request,
                )
            )
            return True
    instance.dropped.append(Dropped(reason or "not_found", payload.name, domain, request))
    return False


def _earns(instance: Instance, site: Site, name: str) -> bool:
    return instance.edition == "cloud" and any(goal.currency and goal.event == name for goal in site.goals)
