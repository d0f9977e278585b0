"""For plugins with pages: who may call a route, who a stranger may be, how times are written and charts drawn, and
figures of `/metrics` that stand in the database.
"""

from app.accounts.agent_signs import AgentSigns
from app.accounts.models import User
from app.web.access import admin_required, anonymous, open_to_all, request_address, sensitive
from app.web.charts import Chart, Column, bar_chart
from app.web.client_address import client_address, is_ipv4
from app.web.errors import error_response
from app.web.formats import absolute, ago, zone
from app.web.lone import lone_page, masked, private
from app.web.page_scripts import all_pages, opted_out
from app.web.page_scripts import policy as page_policy
from app.web.watch import MODE as WATCH_MODE
from app.web.watch import Watch

__all__ = [
    "WATCH_MODE",
    "AgentSigns",
    "Chart",
    "Column",
    "User",
    "Watch",
    "absolute",
    "admin_required",
    "ago",
    "all_pages",
    "anonymous",
    "bar_chart",
    "client_address",
    "error_response",
    "is_ipv4",
    "lone_page",
    "masked",
    "open_to_all",
    "opted_out",
    "page_policy",
    "private",
    "request_address",
    "sensitive",
    "zone",
]
