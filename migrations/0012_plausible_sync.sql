-- Sending events on to a Plausible instance. What became of an event stands with it, at the end of the row: a large table
-- takes that at once. plausible_outcome: accepted, dropped, rejected, ambiguous, too_old or no_person; NULL for none yet.
ALTER TABLE email_tracking_events
    ADD COLUMN plausible_outcome VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN plausible_attempts SMALLINT UNSIGNED NOT NULL DEFAULT 0;

-- Events that are still to be sent: written in the recorder's transaction, gone with the outcome. Without a foreign key,
-- because the events are partitioned. state: waiting -> sending (committed before the request leaves). One that is still
-- sending when its lease is over may have arrived or not: it is ambiguous and never sent again.
CREATE TABLE email_tracking_outbox (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    event_key BINARY(16) NOT NULL,
    occurred_at DATETIME(6) NOT NULL,
    recipient_id BIGINT NOT NULL,
    state ENUM('waiting', 'sending') NOT NULL DEFAULT 'waiting',
    attempts SMALLINT UNSIGNED NOT NULL DEFAULT 0,
    next_attempt_at DATETIME(6) NOT NULL,
    lease_owner VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    lease_until DATETIME(6) NULL,
    UNIQUE KEY email_tracking_outbox_event (event_key),
    KEY email_tracking_outbox_due (state, next_attempt_at, id),
    KEY email_tracking_outbox_age (state, occurred_at),
    KEY email_tracking_outbox_lease (state, lease_until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The account: what became of events on each day (of the site's time zone), so that nobody counts millions of rows.
-- name: the event's name as it was sent; '' for what was never sent. words: Plausible's, or ours, the last time.
CREATE TABLE email_tracking_sync_days (
    day DATE NOT NULL,
    name VARCHAR(120) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    outcome VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    events BIGINT NOT NULL DEFAULT 0,
    words VARCHAR(300) NOT NULL DEFAULT '',
    last_at DATETIME(6) NOT NULL,
    PRIMARY KEY (day, name, outcome)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- One row: how the instance does, for all workers. minute, minute_events: what was finished in the minute that runs;
-- pace: in the one before it.
CREATE TABLE email_tracking_sync_state (
    id TINYINT NOT NULL PRIMARY KEY,
    failures INT NOT NULL DEFAULT 0,
    paused_until DATETIME(6) NULL,
    problem VARCHAR(300) NOT NULL DEFAULT '',
    problem_at DATETIME(6) NULL,
    last_accepted_at DATETIME(6) NULL,
    minute DATETIME NULL,
    minute_events INT NOT NULL DEFAULT 0,
    pace INT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
