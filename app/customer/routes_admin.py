"""Admin → Customers' page: the switch."""

from __future__ import annotations

from quart import Blueprint, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.customer import switch
from app.runtime import current
from app.web.access import admin_required

customer_admin = Blueprint("customer_admin", __name__, url_prefix="/admin/customers")


@customer_admin.get("")
@admin_required
async def index() -> ResponseReturnValue:
    """What the page does, and whether it is on."""
    runtime = current()
    async with runtime.database.connection() as conn:
        on = await switch.is_on(conn)
    return await render_template("customer/settings.html", on=on, portal_url=runtime.settings.portal_url)


@customer_admin.post("")
@admin_required
async def save() -> ResponseReturnValue:
    """Switch the page on or off."""
    on = "enabled" in await request.form
    await switch.turn(on, by=g.user)
    await flash("Saved. New replies carry the link." if on else "Saved. The page is closed.", "good")
    return redirect(url_for("customer_admin.index"), 303)
