"""Print `.env.example` from the settings: `python -m tools.env_example > .env.example`."""

from __future__ import annotations

import sys
import textwrap

from app.hookspecs import ModuleInfo
from app.plugin_discovery import discover
from app.plugin_host import PluginHost
from app.settings import Settings


def core() -> list[str]:
    """The portal's own variables, each with its sentence, commented out with its default."""
    lines = []
    for name, spec in Settings.model_fields.items():
        lines += _comment(spec.description or "")
        default = "" if spec.default in (None, []) else str(spec.default)
        lines += [f"#{name.upper()}={default}", ""]
    return lines


def modules() -> list[str]:
    """First values of the modules' settings."""
    lines = []
    for info in PluginHost(discover()).modules().values():
        found = _module(info)
        if found:
            lines += [
                f"# --- Module {info.name}: first values; once an admin saves in the browser, those count ---",
                "",
            ]
            lines += found
    return lines


def _module(info: ModuleInfo) -> list[str]:
    lines = []
    for spec in info.settings_model.model_fields.values():
        extra = spec.json_schema_extra
        variable = extra.get("env") if isinstance(extra, dict) else None
        if variable:
            value = spec.default
            default = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            lines += [*_comment(spec.description or spec.title or ""), f"#{variable}={default}", ""]
    return lines


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent="# ", subsequent_indent="# ")


def render() -> str:
    """The whole file."""
    head = [
        "# Copy to .env and change what you need. Every variable is optional for `myportal up`;",
        "# `myportal serve` and `myportal worker` need DATABASE_URL and SECRET_KEY.",
        "",
    ]
    return "\n".join([*head, *core(), *modules()]).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
