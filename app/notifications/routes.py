"""What a user was told, at /notifications."""

from __future__ import annotations

import re

from quart import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.notifications import rules, service

notifications = Blueprint("notifications", __name__, url_prefix="/notifications")

PLACE = re.compile(r"[0-9]{1,18}", re.ASCII)


@notifications.get("")
async def show() -> ResponseReturnValue:
    """Newest first; `before` is the id before which a page starts. `kind`, `new`: only that kind, only the unseen."""
    given, kind = request.args.get("before", ""), request.args.get("kind", "")
    before = int(given) if PLACE.fullmatch(given) else 0
    kind = kind if kind in rules.KINDS else ""
    new = request.args.get("new") == "1"
    page = await service.page(g.user, before=before, kind=kind, unseen_only=new)
    return await render_template(
        "notifications/list.html",
        page=page,
        is_first=not before,
        filtered=bool(kind or new),
        newest=_href(kind, new),
        next=_href(kind, new, page.next) if page.next else "",
        tabs=[
            {"label": label, "href": _href(kind, only), "active": only == new, "count": page.unseen if only else None}
            for label, only in (("All", False), ("Unread", True))
        ],
        kinds=[
            {"label": label, "href": _href(key, new), "active": key == kind}
            for key, label in [("", "All kinds"), *((one.key, one.label) for one in rules.KINDS.values())]
        ],
        kind_label=rules.KINDS[kind].label if kind else "",
    )


def _href(kind: str, new: bool, before: int = 0) -> str:
    return url_for("notifications.show", kind=kind or None, new="1" if new else None, before=before or None)


@notifications.get("/unseen")
async def unseen() -> ResponseReturnValue:
    """For the bell of an open page: {"unseen": 3, "words": "3"}."""
    count = await service.unseen(g.user)
    return jsonify({"unseen": count, "words": rules.shown(count)})


@notifications.post("/seen")
async def seen() -> ResponseReturnValue:
    """Mark all as seen."""
    await service.mark_seen(g.user)
    await flash("All notifications are marked as seen.", "info")
    return redirect(url_for("notifications.show"), 303)
