"""For plugins with pages: who may call a route, and the client's address."""

from app.web.access import admin_required, anonymous, open_to_all, request_address

__all__ = ["admin_required", "anonymous", "open_to_all", "request_address"]
