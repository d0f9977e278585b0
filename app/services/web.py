"""For plugins with pages: who may call a route, the client's address, and how times are written."""

from app.web.access import admin_required, anonymous, open_to_all, request_address
from app.web.client_address import client_address
from app.web.formats import ago

__all__ = ["admin_required", "ago", "anonymous", "client_address", "open_to_all", "request_address"]
