-- What providers tell of mails that our mail server took. A table of its own and not email_tracking_events: a row carries
-- the provider's own payload, is there without tracking and for mails that nobody knows, and is classified by nobody.
-- recipient_id: the copy, NULL where it is not known or where recipient does not belong to it; `unmatched` says why.
CREATE TABLE delivery_events (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    event_key BINARY(16) NOT NULL,
    provider VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind ENUM('sent', 'delivered', 'deferred', 'bounced', 'failed', 'complained', 'unsubscribed', 'opened', 'clicked',
              'unknown') NOT NULL,
    bounce ENUM('', 'hard', 'soft') NOT NULL DEFAULT '',
    machine TINYINT(1) NULL,
    happened_at DATETIME(6) NOT NULL,
    received_at DATETIME(6) NOT NULL,
    recipient_id BIGINT NULL,
    unmatched VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    tracking_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    message_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    recipient VARCHAR(320) NOT NULL DEFAULT '',
    reason VARCHAR(1000) NOT NULL DEFAULT '',
    code VARCHAR(100) NOT NULL DEFAULT '',
    url VARCHAR(2048) NOT NULL DEFAULT '',
    user_agent VARCHAR(1000) NOT NULL DEFAULT '',
    raw MEDIUMTEXT NOT NULL,
    UNIQUE KEY delivery_events_key (event_key),
    KEY delivery_events_copy (recipient_id, happened_at),
    KEY delivery_events_provider (provider, received_at),
    KEY delivery_events_time (happened_at, id),
    KEY delivery_events_received (received_at, id),
    KEY delivery_events_address (recipient)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Requests that were refused, and members of batches that could not be read. The same one again only counts; `raw` is
-- kept of those whose sender had proven who they are.
CREATE TABLE delivery_failures (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    failure_key BINARY(16) NOT NULL,
    provider VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason VARCHAR(500) NOT NULL,
    raw MEDIUMTEXT NOT NULL,
    times INT NOT NULL DEFAULT 1,
    first_at DATETIME(6) NOT NULL,
    last_at DATETIME(6) NOT NULL,
    UNIQUE KEY delivery_failures_key (failure_key),
    KEY delivery_failures_provider (provider, last_at),
    KEY delivery_failures_time (last_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Single-use tokens that came, each with the event that it vouched for: a captured one vouches for no other event.
CREATE TABLE delivery_tokens (
    token_hash BINARY(16) NOT NULL PRIMARY KEY,
    event_key BINARY(16) NOT NULL,
    used_at DATETIME(6) NOT NULL,
    KEY delivery_tokens_time (used_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- SNS topics that were confirmed or ended, and when, for the setup page.
CREATE TABLE delivery_subscriptions (
    topic_hash BINARY(16) NOT NULL PRIMARY KEY,
    topic VARCHAR(512) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state ENUM('confirmed', 'ended') NOT NULL,
    changed_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
