-- What open pages should hear about; every web process reads it each half second, old rows go after minutes.
CREATE TABLE live_events (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    topic VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payload VARCHAR(1000) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    KEY live_events_created (created_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What must run once at a time: whoever holds the row until `expires_at`.
CREATE TABLE leases (
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    owner VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    expires_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
