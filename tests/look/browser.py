"""A real browser that sees the gallery under the app's own content policy, without any server."""

from collections.abc import Callable

from playwright.sync_api import Route

from app.web.headers import CSP

from .gallery import PAGES, STATIC, render

ORIGIN = "http://portal.test"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def serve(theme: str = "") -> Callable[[Route], None]:
    """Give a route handler that answers /static/... and /<page of the gallery> in a theme."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN).partition("?")[0].strip("/")
        if path.startswith("static/"):
            file = STATIC / path.removeprefix("static/")
            route.fulfill(body=file.read_bytes(), content_type=KINDS[file.suffix])
        elif path in PAGES:
            headers = {"Content-Security-Policy": CSP, "Content-Type": "text/html; charset=utf-8"}
            route.fulfill(body=render(path, theme), headers=headers)
        else:
            route.fulfill(status=404, body="")

    return answer
