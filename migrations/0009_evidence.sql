-- Stands in for the migrations of other branches, so that this one can be tested; it never lands.
DROP TABLE email_tracking_daily;
CREATE TABLE email_tracking_daily (
    day DATE NOT NULL,
    event_type ENUM('open', 'click') NOT NULL,
    class VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    rule VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    shard TINYINT UNSIGNED NOT NULL,
    events BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (day, event_type, class, rule, shard)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

ALTER TABLE email_tracking_events
    ADD COLUMN class VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    ADD COLUMN rule VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    ADD COLUMN confidence DECIMAL(3, 2) NOT NULL DEFAULT 0,
    ADD COLUMN reason VARCHAR(200) NOT NULL DEFAULT '',
    ADD COLUMN evidence TEXT NULL;

ALTER TABLE email_recipients
    ADD COLUMN sending_at DATETIME(6) NULL,
    ADD COLUMN seen VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN replied_at DATETIME(6) NULL,
    ADD COLUMN judged ENUM('read', 'unread') CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN judged_at DATETIME(6) NULL,
    ADD KEY email_recipients_judged (judged_at);

CREATE TABLE email_copy_notes (
    recipient_id BIGINT NOT NULL,
    slug VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (recipient_id, slug)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
