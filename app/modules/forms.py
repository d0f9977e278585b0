"""The admin form of a module, made from the fields of its settings model. Pure."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from pydantic import AnyUrl, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from app.hookspecs import ModuleInfo, ModuleSettings
from app.modules.registry import environment_values

OTHER = "Settings"


@dataclass(frozen=True)
class FormField:
    """One control: how it is drawn and what it holds."""

    name: str
    label: str
    help: str
    kind: str
    """text, url, number, switch, select or secret."""
    group: str
    value: Any
    source: str
    """Where the value comes from, in words."""
    options: tuple[tuple[str, str], ...] = ()
    tail: str | None = None
    """The last two characters of a secret that is set."""


def build(
    info: ModuleInfo, settings: ModuleSettings, stored: Mapping[str, Any], *, saved: str
) -> dict[str, list[FormField]]:
    """The fields by group, in the order of the form. saved: words for values that an admin saved."""
    groups: dict[str, list[FormField]] = {}
    given = environment_values(info)
    fields = info.settings_model.model_fields
    for name in _in_order(fields):
        spec, extra = fields[name], _extra(fields[name])
        value = getattr(settings, name)
        kind, options = _kind(spec)
        secret = value.get_secret_value() if isinstance(value, SecretStr) else None
        groups.setdefault(str(extra.get("group", OTHER)), []).append(
            FormField(
                name=name,
                label=spec.title or name.replace("_", " ").capitalize(),
                help=spec.description or "",
                kind=kind,
                group=str(extra.get("group", OTHER)),
                value=None if kind == "secret" else _plain(value),
                source=_source(name, stored, given, str(extra.get("env", "")), saved),
                options=options,
                tail=secret[-2:] if secret and len(secret) >= 8 else ("••" if secret else None),
            )
        )
    return groups


def _extra(spec: FieldInfo) -> dict[str, Any]:
    return spec.json_schema_extra if isinstance(spec.json_schema_extra, dict) else {}


def _in_order(fields: Mapping[str, FieldInfo]) -> list[str]:
    """The names in the order of the model, but those that say so come after another field: what a model inherits would
    be first.
    """
    names = [name for name, spec in fields.items() if "after" not in _extra(spec)]
    for name, spec in fields.items():
        before = _extra(spec).get("after")
        if before is not None:
            names.insert(names.index(before) + 1 if before in names else len(names), name)
    return names


def source_of(name: str, info: ModuleInfo, stored: Mapping[str, Any]) -> str:
    """'saved', 'environment' or 'default'."""
    if name in stored:
        return "saved"
    return "environment" if name in environment_values(info) else "default"


def _source(name: str, stored: Mapping[str, Any], given: Mapping[str, str], variable: str, saved: str) -> str:
    if name in stored:
        return saved
    return f"From the environment ({variable})" if name in given else "Default"


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, AnyUrl) else value


def _kind(spec: FieldInfo) -> tuple[str, tuple[tuple[str, str], ...]]:
    annotation = spec.annotation
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    if typing.get_origin(annotation) is Literal:
        return "select", tuple((str(value), str(value).capitalize()) for value in typing.get_args(annotation))
    if isinstance(annotation, type):
        if issubclass(annotation, Enum):
            return "select", tuple((str(item.value), item.name.replace("_", " ").capitalize()) for item in annotation)
        for known, kind in ((SecretStr, "secret"), (bool, "switch"), (int, "number"), (float, "number")):
            if issubclass(annotation, known):
                return kind, ()
        if issubclass(annotation, AnyUrl):
            return "url", ()
    return "text", ()


def from_form(info: ModuleInfo, form: Mapping[str, str]) -> tuple[dict[str, Any], set[str]]:
    """What was posted, by field, and the secrets to remove; fields that are no setting are left aside."""
    values: dict[str, Any] = {}
    cleared: set[str] = set()
    for name, spec in info.settings_model.model_fields.items():
        kind, _ = _kind(spec)
        if kind == "switch":
            values[name] = form.get(name) == "1"
        elif kind == "secret":
            if form.get(f"clear_{name}") == "1":
                cleared.add(name)
            elif form.get(name, ""):
                values[name] = form[name]
        elif name in form:
            values[name] = form[name].strip()
    return values, cleared


def messages(error: ValidationError) -> dict[str, str]:
    """What is wrong, by field; '' for what concerns the whole form. The value of a secret is never repeated."""
    found: dict[str, str] = {}
    for part in error.errors(include_url=False):
        name = str(part["loc"][0]) if part["loc"] else ""
        text = part["msg"].removeprefix("Value error, ")
        value = part.get("input")
        known = isinstance(value, str) and name and not isinstance(value, SecretStr) and "secret" not in part["type"]
        if known and repr(value) not in text and len(str(value)) <= 100 and part["type"] != "value_error":
            text = f"{text}, got {value!r}"
        found.setdefault(name, text)
    return found
