"""Admin → Departments."""

from __future__ import annotations

from collections.abc import Mapping

from quart import Blueprint, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.consent.rules import POLICIES
from app.departments import service
from app.departments.errors import DepartmentNotFound, DepartmentRefused
from app.web.access import admin_required
from app.web.errors import error_response

departments = Blueprint("departments", __name__, url_prefix="/admin/departments")

LABELS = {"name": "Name", "email": "Address", "tracking": "Tracking"}
FIELDS = ("name", "email", "tracking")


@departments.errorhandler(DepartmentNotFound)
async def not_found(error: DepartmentNotFound) -> ResponseReturnValue:
    """A department that is gone, or never was."""
    return await error_response(404, str(error))


@departments.get("")
@admin_required
async def index() -> ResponseReturnValue:
    """All departments."""
    return await render_template("departments/list.html", departments=await service.departments(), policies=POLICIES)


@departments.get("/new")
@admin_required
async def new() -> ResponseReturnValue:
    """The empty form."""
    return await _form({"tracking": "inherit"})


@departments.post("/new")
@admin_required
async def create() -> ResponseReturnValue:
    """Add a department, or show the form again with what is wrong at each field."""
    given = await _given()
    try:
        await service.add(by=g.user, **given)
    except DepartmentRefused as error:
        return await _form(given, error.fields), 422
    await flash(f"{given['name'].strip()} is added.", "good")
    return redirect(url_for("departments.index"), 303)


@departments.get("/<int:department_id>")
@admin_required
async def edit(department_id: int) -> ResponseReturnValue:
    """One department, to change or to delete it."""
    found = await service.department(department_id)
    return await _form({field: getattr(found, field) for field in FIELDS}, department_id=department_id)


@departments.post("/<int:department_id>")
@admin_required
async def save(department_id: int) -> ResponseReturnValue:
    """Change a department, or show the form again with what is wrong at each field."""
    given = await _given()
    try:
        await service.change(department_id, by=g.user, **given)
    except DepartmentRefused as error:
        return await _form(given, error.fields, department_id=department_id), 422
    await flash("Saved.", "good")
    return redirect(url_for("departments.index"), 303)


@departments.post("/<int:department_id>/delete")
@admin_required
async def delete(department_id: int) -> ResponseReturnValue:
    """Delete a department; the page asked for a confirmation before."""
    try:
        name = await service.delete(department_id, by=g.user)
    except DepartmentRefused as error:
        found = await service.department(department_id)
        given = {field: getattr(found, field) for field in FIELDS}
        return await _form(given, error.fields, department_id=department_id), 422
    await flash(f"{name} is deleted. Its tickets are still there and belong to no department.", "good")
    return redirect(url_for("departments.index"), 303)


async def _given() -> dict[str, str]:
    form = await request.form
    return {field: form.get(field, "") for field in FIELDS}


async def _form(
    given: Mapping[str, str], errors: Mapping[str, str] | None = None, *, department_id: int | None = None
) -> str:
    return await render_template(
        "departments/edit.html",
        department=await service.department(department_id) if department_id is not None else None,
        tickets=await service.count_tickets(department_id) if department_id is not None else 0,
        given=given,
        errors=errors or {},
        labels=LABELS,
        policies=list(POLICIES.items()),
    )
