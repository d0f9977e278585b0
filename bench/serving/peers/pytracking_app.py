"""pytracking's Django views with the same writes and encrypted addresses, for a WSGI server: `app`."""

from __future__ import annotations

import importlib
import os
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.urls import path

from bench.serving.peers import writes


def driver() -> str:
    """mysqlclient where it is installed, else PyMySQL in its place."""
    try:
        importlib.import_module("MySQLdb")
    except ImportError:
        pymysql: Any = importlib.import_module("pymysql")
        # Django asks for a version that only mysqlclient has.
        pymysql.version_info = (2, 2, 1, "final", 0)
        pymysql.install_as_MySQLdb()
        return "PyMySQL"
    return "mysqlclient"


def configure() -> None:
    """Django with nothing but what these views need."""
    driver()
    where = writes.database()
    settings.configure(
        SECRET_KEY=os.environ["SECRET_KEY"],
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        LOGGING_CONFIG=None,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.mysql",
                "NAME": where["db"],
                "USER": where["user"],
                "PASSWORD": where["password"],
                "HOST": where["unix_socket"],
                "CONN_MAX_AGE": None,
            }
        },
        PYTRACKING_CONFIGURATION={
            "webhook_url": "",
            "base_open_tracking_url": "/o/",
            "base_click_tracking_url": "/c/",
            "encryption_bytestring_key": os.environ["PYTRACKING_KEY"].encode(),
        },
    )
    django.setup()


configure()
# The views read Django's settings when they are imported.
views: Any = importlib.import_module("pytracking.django")


def store(result: Any, kind: str, statement: str) -> None:
    """Write one hit; each statement is committed by itself."""
    tracking_id, data = result.metadata["tracking_id"], result.request_data
    values = (tracking_id, kind, result.tracked_url, data["user_agent"], data["user_ip"], None)
    with connection.cursor() as cursor:
        cursor.execute(writes.INSERT, values)
        cursor.execute(statement, (tracking_id,))


class Opens(views.OpenTrackingView):  # type: ignore[misc]
    """The pixel."""

    def notify_tracking_event(self, tracking_result: Any) -> None:
        """Store an open."""
        store(tracking_result, "open", writes.UPDATE_OPEN)


class Clicks(views.ClickTrackingView):  # type: ignore[misc]
    """The link."""

    def notify_tracking_event(self, tracking_result: Any) -> None:
        """Store a click."""
        store(tracking_result, "click", writes.UPDATE_CLICK)


urlpatterns = [path("o/<path:path>", Opens.as_view()), path("c/<path:path>", Clicks.as_view())]
app = get_wsgi_application()
