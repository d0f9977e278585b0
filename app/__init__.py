"""The portal core: helpdesk, mail, accounts, modules. It knows no plugin by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart

    from app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def create_app(settings: Settings | None = None, *, plugins: Mapping[str, object] | None = None) -> Quart:
    """Wire the web application: runtime, guards, features, plugins.

    settings: from the environment where not given. plugins: slug → plugin; found on their own where not given.
    """
    # Imported here, so that `import app.hookspecs` in a plugin does not load the whole portal.
    from jinja2 import ChoiceLoader, FileSystemLoader
    from quart import Quart

    from app.runtime import Runtime
    from app.settings import load_settings
    from app.web import access, errors, features, headers, mail_watch, middleware, object_access, page_scripts, pages
    from app.web.front import Front

    runtime = Runtime.build(settings or load_settings(), plugins=plugins)
    app = Quart(__name__, template_folder=str(ROOT / "templates"), static_folder="static")
    app.jinja_options = {
        "loader": ChoiceLoader(
            [FileSystemLoader(ROOT / "templates")]
            + [FileSystemLoader(path) for path in runtime.plugins.template_folders().values()]
        )
    }
    middleware.configure(app, runtime)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = timedelta(days=365)
    app.config["TEMPLATES_AUTO_RELOAD"] = "MYPORTAL_RELOAD" in os.environ
    access.install(app)
    object_access.install(app)
    headers.install(app)
    errors.install(app)
    pages.install(app)
    page_scripts.install(app)
    features.install(app)
    mail_watch.install(app, runtime)
    for _, blueprint in runtime.plugins.blueprints():
        app.register_blueprint(blueprint)
    middleware.close_last(app, runtime)
    front = Front(runtime.plugins.direct_routes(), app.asgi_app)
    app.asgi_app = front  # type: ignore[method-assign]
    app.extensions["direct"] = front.direct
    return app
