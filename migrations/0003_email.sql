-- The outbox. A mail is stored with one row per recipient before any SMTP; each recipient gets a copy of its own.
CREATE TABLE outgoing_emails (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    reply_id INT NULL,
    message_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject VARCHAR(500) NOT NULL,
    sender VARCHAR(500) NOT NULL,
    reply_to VARCHAR(500) NOT NULL DEFAULT '',
    html_body MEDIUMTEXT NOT NULL,
    text_body MEDIUMTEXT NOT NULL,
    in_reply_to VARCHAR(500) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    reference_ids TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    headers TEXT NOT NULL,
    auto_submitted VARCHAR(20) NOT NULL DEFAULT '',
    enable_tracking TINYINT(1) NOT NULL DEFAULT 0,
    is_sensitive TINYINT(1) NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    UNIQUE KEY outgoing_emails_message (message_id),
    KEY outgoing_emails_reply (reply_id),
    CONSTRAINT outgoing_emails_reply FOREIGN KEY (reply_id) REFERENCES ticket_replies (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- state: queued -> claimed (by a worker, for a lease) -> sending (committed before DATA) -> sent | unknown | retry | failed.
-- reports: what a plugin said this copy can tell us ('opens', 'clicks'); empty means untracked.
-- receipt: what we learnt after sending ('read', later 'delivered', 'bounced', ...), reported by plugins.
CREATE TABLE email_recipients (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    email_id BIGINT NOT NULL,
    role ENUM('to', 'cc', 'bcc') NOT NULL,
    name VARCHAR(200) NOT NULL DEFAULT '',
    email VARCHAR(320) NOT NULL,
    tracking_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state ENUM('queued', 'claimed', 'sending', 'sent', 'unknown', 'retry', 'failed') NOT NULL DEFAULT 'queued',
    attempts INT NOT NULL DEFAULT 0,
    next_attempt_at DATETIME(6) NOT NULL,
    lease_owner VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    lease_until DATETIME(6) NULL,
    sent_at DATETIME(6) NULL,
    smtp_code SMALLINT NULL,
    smtp_text VARCHAR(1000) NOT NULL DEFAULT '',
    reports VARCHAR(50) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    receipt VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
    receipt_at DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL,
    UNIQUE KEY email_recipients_tracking (tracking_id),
    KEY email_recipients_email (email_id, id),
    KEY email_recipients_due (state, next_attempt_at, id),
    KEY email_recipients_lease (state, lease_until),
    CONSTRAINT email_recipients_email FOREIGN KEY (email_id) REFERENCES outgoing_emails (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE email_attachments (
    email_id BIGINT NOT NULL,
    attachment_id INT NOT NULL,
    PRIMARY KEY (email_id, attachment_id),
    KEY email_attachments_attachment (attachment_id),
    CONSTRAINT email_attachments_email FOREIGN KEY (email_id) REFERENCES outgoing_emails (id),
    CONSTRAINT email_attachments_attachment FOREIGN KEY (attachment_id) REFERENCES attachments (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
