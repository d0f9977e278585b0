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
    """Newest first; `before` is the id before which a page starts."""
    given = request.args.get("before", "")
    before = int(given) if PLACE.fullmatch(given) else 0
    page = await service.page(g.user, before=before)
    following = url_for("notifications.show", before=page.next) if page.next else ""
    return await render_template("notifications/list.html", page=page, is_first=not before, next=following)


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
