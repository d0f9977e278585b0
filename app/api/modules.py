"""/api/modules: look at an integration module, switch it, configure it. For admins."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api.answers import answer
from app.api.errors import Refused
from app.api.models import Answer, Given
from app.api.requests import takes
from app.modules import forms, service
from app.web.access import admin_required

modules = Blueprint("modules", __name__, url_prefix="/modules")


class ModuleChange(Given):
    """What to change; what is left out stays."""

    enabled: bool | None = Field(None, description="Switch the module on or off.")
    settings: dict[str, Any] | None = Field(
        None, description='Settings to change, by name. A secret set to null or "" is removed.'
    )


class ModuleHealth(Answer):
    """How the module is doing."""

    state: str = Field(description="working, warning, failing or off")
    message: str


class Module(Answer):
    """An integration module. Secrets are never given out: only whether one is set, and its last two characters."""

    slug: str
    name: str
    description: str
    icon: str
    enabled: bool
    settings: dict[str, Any]
    sources: dict[str, str] = Field(description="Setting → saved, environment or default.")
    health: ModuleHealth


@modules.get("/<slug>")
@admin_required
@document_response(Module)
async def read_module(slug: str) -> Response:
    """Read a module with its settings and health."""
    return answer(await _module(slug))


@modules.patch("/<slug>")
@admin_required
@document_response(Module)
@takes(ModuleChange)
async def change_module(*, slug: str, body: ModuleChange) -> Response:
    """Switch or configure a module; effective in every process within a second.

    With both, settings are checked and saved first: a module is not switched on with settings that do not hold.
    """
    if body.settings is not None:
        await _save(slug, body.settings)
    if body.enabled is not None:
        try:
            await service.set_enabled(slug, enabled=body.enabled, user=g.user)
        except service.UnknownModule as error:
            raise Refused(404, str(error)) from None
    return answer(await _module(slug))


async def _save(slug: str, settings: dict[str, Any]) -> None:
    secrets = await _secret_names(slug)
    cleared = {name for name in secrets & settings.keys() if settings[name] in (None, "")}
    values = {name: value for name, value in settings.items() if name not in cleared}
    try:
        await service.save(slug, values, user=g.user, cleared=cleared)
    except service.ModuleError as error:
        raise Refused(422, f"{error} {_named(error.fields)}".strip(), error.fields) from None


async def _secret_names(slug: str) -> set[str]:
    view = await _view(slug)
    groups = forms.build(view.state.info, view.state.settings, view.state.stored, saved="")
    return {field.name for fields in groups.values() for field in fields if field.kind == "secret"}


async def _view(slug: str, *, with_checks: bool = False) -> service.ModuleView:
    try:
        return await service.view(slug, with_checks=with_checks)
    except service.UnknownModule as error:
        raise Refused(404, str(error)) from None


async def _module(slug: str) -> Module:
    view = await _view(slug, with_checks=True)
    info, state = view.state.info, view.state
    plain = state.settings.model_dump(mode="json")
    settings = {name: _shown(getattr(state.settings, name), plain[name]) for name in info.settings_model.model_fields}
    health_state, message = view.health
    return Module(
        slug=info.slug,
        name=info.name,
        description=info.description,
        icon=info.icon,
        enabled=state.enabled,
        settings=settings,
        sources={name: forms.source_of(name, info, state.stored) for name in settings},
        health=ModuleHealth(state=health_state, message=message),
    )


def _shown(value: Any, plain: Any) -> Any:
    if not isinstance(value, SecretStr):
        return plain
    secret = value.get_secret_value()
    return {"set": bool(secret), "ends_with": secret[-2:] if len(secret) >= 8 else ""}


def _named(fields: dict[str, str]) -> str:
    return " ".join(f"`{name}` {words}." for name, words in fields.items() if name)
