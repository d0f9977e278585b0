"""The HTTP API below /api: one file per resource, all on one blueprint that answers errors as JSON."""

from __future__ import annotations

from quart import Blueprint

from app.api.accounts import accounts
from app.api.assignment import assignment_rules
from app.api.attachments import attachments
from app.api.canned import canned
from app.api.contacts import contacts
from app.api.dashboard import dashboard
from app.api.errors import install
from app.api.inbound import inbound
from app.api.mailboxes import mailboxes
from app.api.modules import modules
from app.api.notifications import notifications
from app.api.openapi import openapi
from app.api.people import departments, users
from app.api.privacy import privacy
from app.api.replies import replies
from app.api.reports import reports
from app.api.saved_views import saved_views
from app.api.suppressions import suppressions
from app.api.ticket_work import ticket_work
from app.api.tickets import tickets

api = Blueprint("api", __name__, url_prefix="/api")
install(api)
for resource in (
    accounts, assignment_rules, attachments, canned, contacts, dashboard, departments, inbound, mailboxes, modules,
    notifications, openapi, privacy, replies, reports, saved_views, suppressions, ticket_work, tickets, users,
):  # fmt: skip
    api.register_blueprint(resource)
