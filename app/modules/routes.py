"""Admin → Integration Modules."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.modules import forms, service
from app.runtime import current
from app.web.access import admin_required

modules = Blueprint("modules", __name__, url_prefix="/admin/modules")


@modules.get("")
@admin_required
async def index() -> ResponseReturnValue:
    """Cards of all modules with their health."""
    return await render_template("modules/index.html", modules=await service.views(with_checks=True))


@modules.get("/<slug>")
@admin_required
async def show(slug: str) -> ResponseReturnValue:
    """One module: health, self-test, settings."""
    return await _page(slug)


@modules.post("/<slug>")
@admin_required
async def configure(slug: str) -> ResponseReturnValue:
    """Save the settings, or show the form again with what is wrong at each field."""
    form = await request.form
    module = await _module(slug)
    values, cleared = forms.from_form(module.state.info, form)
    version = form.get("version", "")
    try:
        await service.save(
            slug, values, user=g.user, cleared=cleared, version=int(version) if version.isdecimal() else None
        )
    except service.ModuleError as error:
        return await _page(slug, typed=values, errors=error.fields or {"": str(error)}), 422
    await flash("Saved. Every part of the portal uses the new settings within a second.", "good")
    return redirect(url_for("modules.show", slug=slug), 303)


@modules.get("/<slug>/test")
@admin_required
async def tested(slug: str) -> ResponseReturnValue:
    """Where a reload of the test's answer may end."""
    return redirect(url_for("modules.show", slug=slug), 303)


@modules.post("/<slug>/test")
@admin_required
async def test(slug: str) -> ResponseReturnValue:
    """Test the module thoroughly, as it is saved, and show what came out."""
    return await _page(slug, thorough=True)


@modules.post("/<slug>/toggle")
@admin_required
async def toggle(slug: str) -> ResponseReturnValue:
    """Switch the module on or off."""
    module = await _module(slug)
    enabled = (await request.form).get("enabled") == "1"
    await service.set_enabled(slug, enabled=enabled, user=g.user)
    await flash(f"{module.state.info.name} is {'on' if enabled else 'off'}.", "good")
    from_its_page = request.args.get("back") == "module"
    return redirect(url_for("modules.show", slug=slug) if from_its_page else url_for("modules.index"), 303)


@modules.post("/<slug>/forget")
@admin_required
async def forget(slug: str) -> ResponseReturnValue:
    """Go back to the environment's values and the defaults."""
    await _module(slug)
    await service.forget(slug, user=g.user)
    await flash("The saved settings are gone; the environment and the defaults count again.", "good")
    return redirect(url_for("modules.show", slug=slug), 303)


async def _module(slug: str) -> service.ModuleView:
    try:
        return await service.view(slug)
    except service.UnknownModule as error:
        abort(404, str(error))


async def _page(
    slug: str, *, typed: dict[str, Any] | None = None, errors: dict[str, str] | None = None, thorough: bool = False
) -> str:
    await _module(slug)
    module = await service.view(slug, with_checks=True, thorough=thorough)
    state = module.state
    groups = forms.build(state.info, state.settings, state.stored, saved=module.saved_words)
    return await render_template(
        "modules/show.html",
        module=module,
        tested=thorough,
        asks_others=current().plugins.has_test(slug),
        groups=groups,
        typed=typed or {},
        errors=errors or {},
        labels={field.name: field.label for fields in groups.values() for field in fields},
    )
