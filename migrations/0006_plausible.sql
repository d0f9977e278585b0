-- The Plausible module's own columns and tables. email_tracking_id is the first recipient's id; the other recipients
-- have ids of their own in email_recipients, and their sums are in email_tracking_recipients.
ALTER TABLE ticket_replies
    ADD COLUMN email_tracking_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN email_sent_at DATETIME(6) NULL,
    ADD COLUMN email_opened_at DATETIME(6) NULL,
    ADD COLUMN email_open_count INT NOT NULL DEFAULT 0,
    ADD KEY ticket_replies_tracking (email_tracking_id);

CREATE TABLE email_tracking_events (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    event_key BINARY(16) NOT NULL,
    tracking_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    recipient_id BIGINT NOT NULL,
    event_type ENUM('open', 'click') NOT NULL,
    event_url VARCHAR(2048) NULL,
    user_agent TEXT NULL,
    ip_address VARCHAR(45) NULL,
    referrer VARCHAR(2048) NULL,
    occurred_at DATETIME(6) NOT NULL,
    plausible_sent TINYINT(1) NOT NULL DEFAULT 0,
    plausible_sent_at DATETIME(6) NULL,
    UNIQUE KEY email_tracking_events_key (event_key),
    KEY email_tracking_events_tracking (tracking_id, id),
    KEY email_tracking_events_recipient (recipient_id, id),
    KEY email_tracking_events_time (occurred_at),
    CONSTRAINT email_tracking_events_recipient FOREIGN KEY (recipient_id) REFERENCES email_recipients (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE email_tracking_recipients (
    recipient_id BIGINT NOT NULL PRIMARY KEY,
    open_count INT NOT NULL DEFAULT 0,
    first_opened_at DATETIME(6) NULL,
    last_opened_at DATETIME(6) NULL,
    click_count INT NOT NULL DEFAULT 0,
    first_clicked_at DATETIME(6) NULL,
    last_clicked_at DATETIME(6) NULL,
    CONSTRAINT email_tracking_recipients_recipient FOREIGN KEY (recipient_id) REFERENCES email_recipients (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
