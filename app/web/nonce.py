"""The nonce with which scripts of our own templates run, and nothing else does (CSP level 3).

It is put into the templates as they are compiled: whoever writes a page cannot forget it, and what comes into a page as
a value cannot get it. Modules that a script imports run by the nonce of the script.
"""

from __future__ import annotations

import re
import secrets

from jinja2.ext import Extension
from quart import Quart, g

_SCRIPT = re.compile(r"<script(?=[\s>])")


class ScriptNonces(Extension):
    """Gives each `<script>` that stands in a template the nonce of the answer."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template with it."""
        return _SCRIPT.sub('<script nonce="{{ script_nonce() }}"', source)


def install(app: Quart) -> None:
    """Let the templates of `app` have it."""
    app.jinja_env.add_extension(ScriptNonces)
    app.jinja_env.globals["script_nonce"] = script_nonce


def script_nonce() -> str:
    """The nonce of this answer, 128 random bits; made when first asked for."""
    if "script_nonce" not in g:
        g.script_nonce = secrets.token_urlsafe(16)
    return str(g.script_nonce)
