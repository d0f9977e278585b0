"""The portal's own blueprints, in one list."""

from __future__ import annotations

from quart import Quart

from app.accounts.routes import accounts
from app.accounts.routes_admin import admin
from app.accounts.routes_profile import profile
from app.api.routes import api
from app.assignment.routes import assignment
from app.canned.routes import canned
from app.consent.routes import opt_out
from app.contacts.routes import contacts
from app.customer.routes import customer
from app.customer.routes_admin import customer_admin
from app.dashboard.routes import dashboard
from app.departments.routes import departments
from app.events.routes import events
from app.images.routes import images
from app.inbound.routes import inbound
from app.inbound.routes_mailboxes import mailboxes
from app.live.routes import live
from app.modules.routes import modules
from app.notifications.routes import notifications
from app.presence.routes import presence
from app.privacy.routes import privacy
from app.reports.routes import reports
from app.suppressions.routes import suppressions
from app.tags.routes import tags
from app.tickets.routes_actions import ticket_actions
from app.tickets.routes_bulk import ticket_bulk
from app.tickets.routes_files import ticket_files
from app.tickets.routes_followers import ticket_followers
from app.tickets.routes_list import ticket_list
from app.tickets.routes_merge import ticket_merge
from app.tickets.routes_new import new_ticket
from app.tickets.routes_page import tickets
from app.tickets.routes_split import ticket_split
from app.views.routes import views
from app.web.health import health


def install(app: Quart) -> None:
    """Register every feature's routes."""
    app.register_blueprint(accounts)
    app.register_blueprint(admin)
    app.register_blueprint(api)
    app.register_blueprint(assignment)
    app.register_blueprint(canned)
    app.register_blueprint(contacts)
    app.register_blueprint(customer)
    app.register_blueprint(customer_admin)
    app.register_blueprint(dashboard)
    app.register_blueprint(departments)
    app.register_blueprint(events)
    app.register_blueprint(health)
    app.register_blueprint(images)
    app.register_blueprint(inbound)
    app.register_blueprint(live)
    app.register_blueprint(mailboxes)
    app.register_blueprint(modules)
    app.register_blueprint(new_ticket)
    app.register_blueprint(notifications)
    app.register_blueprint(opt_out)
    app.register_blueprint(presence)
    app.register_blueprint(privacy)
    app.register_blueprint(profile)
    app.register_blueprint(suppressions)
    app.register_blueprint(reports)
    app.register_blueprint(tags)
    app.register_blueprint(ticket_actions)
    app.register_blueprint(ticket_bulk)
    app.register_blueprint(ticket_files)
    app.register_blueprint(ticket_followers)
    app.register_blueprint(ticket_list)
    app.register_blueprint(ticket_merge)
    app.register_blueprint(ticket_split)
    app.register_blueprint(tickets)
    app.register_blueprint(views)
