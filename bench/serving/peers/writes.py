"""The two statements of the usual way, the same in every peer: one event, one sum."""

from __future__ import annotations

import base64
import os
from urllib.parse import parse_qs, unquote, urlsplit

from plugins.plausible.tokens import Signer

INSERT = """
    INSERT INTO email_tracking_events (tracking_id, event_type, event_url, user_agent, ip_address, referrer,
                                       occurred_at)
    VALUES (%s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6))
"""
UPDATE_OPEN = """
    UPDATE ticket_replies
       SET email_open_count = email_open_count + 1, email_opened_at = COALESCE(email_opened_at, UTC_TIMESTAMP(6))
     WHERE email_tracking_id = %s
"""
UPDATE_CLICK = """
    UPDATE ticket_replies
       SET email_click_count = email_click_count + 1, email_clicked_at = COALESCE(email_clicked_at, UTC_TIMESTAMP(6))
     WHERE email_tracking_id = %s
"""
TABLES = (
    # The columns and keys that a portal of the usual way has.
    """
    CREATE TABLE email_tracking_events (
        id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        tracking_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        event_type ENUM('open', 'click') NOT NULL,
        event_url VARCHAR(2048) NULL,
        user_agent TEXT NULL,
        ip_address VARCHAR(45) NULL,
        referrer VARCHAR(2048) NULL,
        occurred_at DATETIME(6) NOT NULL,
        plausible_sent TINYINT(1) NOT NULL DEFAULT 0,
        plausible_sent_at DATETIME(6) NULL,
        KEY email_tracking_events_tracking (tracking_id),
        KEY email_tracking_events_time (occurred_at)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
    """,
    """
    CREATE TABLE ticket_replies (
        id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        ticket_id INT NOT NULL,
        body_html MEDIUMTEXT NOT NULL,
        email_tracking_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
        email_sent_at DATETIME(6) NULL,
        email_opened_at DATETIME(6) NULL,
        email_open_count INT NOT NULL DEFAULT 0,
        email_clicked_at DATETIME(6) NULL,
        email_click_count INT NOT NULL DEFAULT 0,
        KEY ticket_replies_tracking (email_tracking_id)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
    """,
)
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
HEADERS = {"Cache-Control": "no-store, no-cache, max-age=0, private"}
POOL = 10


def database() -> dict[str, str]:
    """Where the peers' own tables are, as drivers take it."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return {
        "unix_socket": unquote(parse_qs(parts.query)["unix_socket"][0]),
        "user": parts.username or "root",
        "password": parts.password or "",
        "db": parts.path.lstrip("/"),
    }


def signer() -> Signer:
    """Checks the same signed links that our own server gets."""
    return Signer([os.environ["SECRET_KEY"]])
