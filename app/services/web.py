"""For plugins with pages: who may call a route, who a stranger may be, and how times are written."""

from app.accounts.agent_signs import AgentSigns
from app.web.access import admin_required, anonymous, open_to_all, request_address
from app.web.client_address import client_address
from app.web.formats import ago

__all__ = ["AgentSigns", "admin_required", "ago", "anonymous", "client_address", "open_to_all", "request_address"]
