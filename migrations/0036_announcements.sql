-- The module Announcements. audience: who gets it, with the tag, the domains, or the id of the import as its value.
-- per_minute: mails, 0 as the module is set. listed_to: the last contact, or line of the import, that is in
-- announcement_recipients; listed_at: when all were. paced_at: up to when the rate limit is used up.
CREATE TABLE announcements (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    subject VARCHAR(500) NOT NULL DEFAULT '',
    body_html MEDIUMTEXT NOT NULL,
    state ENUM('draft', 'scheduled', 'sending', 'paused', 'sent', 'stopped') NOT NULL DEFAULT 'draft',
    audience ENUM('all', 'tag', 'domain', 'import') NOT NULL DEFAULT 'all',
    audience_value VARCHAR(255) NOT NULL DEFAULT '',
    per_minute INT NOT NULL DEFAULT 0,
    is_tracked TINYINT(1) NOT NULL DEFAULT 1,
    send_at DATETIME(6) NULL,
    listed_to BIGINT NOT NULL DEFAULT 0,
    listed_at DATETIME(6) NULL,
    paced_at DATETIME(6) NULL,
    started_at DATETIME(6) NULL,
    finished_at DATETIME(6) NULL,
    created_by INT NULL,
    sent_by INT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    KEY announcements_due (state, send_at),
    CONSTRAINT announcements_creator FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT announcements_sender FOREIGN KEY (sent_by) REFERENCES users (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Who gets it: one row per contact, so that nobody can get it twice. The mail goes to the outbox in the transaction that
-- sets 'queued'. Those left out are here too, with the reason. recipient_id: the copy in email_recipients. The sums of
-- opens and clicks are as of the last count of the statistics.
CREATE TABLE announcement_recipients (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    announcement_id INT NOT NULL,
    contact_id INT NOT NULL,
    name VARCHAR(200) NOT NULL,
    email VARCHAR(254) NOT NULL,
    state ENUM('waiting', 'queued', 'left_out') NOT NULL DEFAULT 'waiting',
    reason VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    recipient_id BIGINT NULL,
    queued_at DATETIME(6) NULL,
    opens INT NOT NULL DEFAULT 0,
    clicks INT NOT NULL DEFAULT 0,
    machine_opens INT NOT NULL DEFAULT 0,
    machine_clicks INT NOT NULL DEFAULT 0,
    first_opened_at DATETIME(6) NULL,
    UNIQUE KEY announcement_recipients_once (announcement_id, contact_id),
    KEY announcement_recipients_state (announcement_id, state, id),
    KEY announcement_recipients_order (announcement_id, id),
    KEY announcement_recipients_copy (recipient_id),
    KEY announcement_recipients_contact (contact_id),
    CONSTRAINT announcement_recipients_announcement FOREIGN KEY (announcement_id) REFERENCES announcements (id)
        ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The rate limit of all announcements together; one row.
CREATE TABLE announcement_pace (
    id TINYINT NOT NULL PRIMARY KEY,
    paced_at DATETIME(6) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO announcement_pace (id) VALUES (1);

-- Who wants no more. email_hash: SHA-256 of the address in lower case, which stays when the person is erased, so that
-- nobody writes to them again.
CREATE TABLE announcement_unsubscribes (
    email_hash BINARY(32) NOT NULL PRIMARY KEY,
    email VARCHAR(254) NULL,
    contact_id INT NULL,
    announcement_id INT NULL,
    source ENUM('page', 'one-click') NOT NULL,
    happened_at DATETIME(6) NOT NULL,
    KEY announcement_unsubscribes_contact (contact_id),
    KEY announcement_unsubscribes_announcement (announcement_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- A file of addresses, line by line, with what becomes of each. It counts once it is accepted.
CREATE TABLE announcement_imports (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    announcement_id INT NOT NULL,
    filename VARCHAR(255) NOT NULL,
    encoding VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    delimiter CHAR(1) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_by INT NULL,
    created_at DATETIME(6) NOT NULL,
    accepted_at DATETIME(6) NULL,
    KEY announcement_imports_announcement (announcement_id),
    CONSTRAINT announcement_imports_announcement FOREIGN KEY (announcement_id) REFERENCES announcements (id)
        ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- verdict: 'known', 'new' (a contact is made), or why the line does not count.
CREATE TABLE announcement_import_lines (
    import_id INT NOT NULL,
    line INT NOT NULL,
    email VARCHAR(254) NOT NULL,
    name VARCHAR(200) NOT NULL,
    verdict VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    words VARCHAR(300) NOT NULL DEFAULT '',
    PRIMARY KEY (import_id, line),
    KEY announcement_import_lines_verdict (import_id, verdict, line),
    KEY announcement_import_lines_email (email),
    CONSTRAINT announcement_import_lines_import FOREIGN KEY (import_id) REFERENCES announcement_imports (id)
        ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Figures as they were counted last. detail: JSON with links, opens by time and events.
CREATE TABLE announcement_statistics (
    announcement_id INT NOT NULL PRIMARY KEY,
    total_recipients INT NOT NULL DEFAULT 0,
    sent_count INT NOT NULL DEFAULT 0,
    delivered_count INT NOT NULL DEFAULT 0,
    bounced_count INT NOT NULL DEFAULT 0,
    complained_count INT NOT NULL DEFAULT 0,
    failed_count INT NOT NULL DEFAULT 0,
    unknown_count INT NOT NULL DEFAULT 0,
    opened_count INT NOT NULL DEFAULT 0,
    total_opens INT NOT NULL DEFAULT 0,
    clicked_count INT NOT NULL DEFAULT 0,
    total_clicks INT NOT NULL DEFAULT 0,
    machine_opens INT NOT NULL DEFAULT 0,
    machine_clicks INT NOT NULL DEFAULT 0,
    only_machines_count INT NOT NULL DEFAULT 0,
    replied_count INT NOT NULL DEFAULT 0,
    unsubscribed_count INT NOT NULL DEFAULT 0,
    delivery_rate DECIMAL(5, 2) NOT NULL DEFAULT 0,
    open_rate DECIMAL(5, 2) NOT NULL DEFAULT 0,
    click_rate DECIMAL(5, 2) NOT NULL DEFAULT 0,
    bounce_rate DECIMAL(5, 2) NOT NULL DEFAULT 0,
    rates_from ENUM('delivered', 'sent') NOT NULL DEFAULT 'sent',
    is_tracked TINYINT(1) NOT NULL DEFAULT 0,
    detail MEDIUMTEXT NOT NULL,
    counted_at DATETIME(6) NOT NULL,
    CONSTRAINT announcement_statistics_announcement FOREIGN KEY (announcement_id) REFERENCES announcements (id)
        ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
