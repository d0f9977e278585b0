-- What the portal asks of Plausible besides sending events, so that no page waits for it. topic: 'counts' reads back what
-- it counts, 'setup' makes goals and allows properties. wanted_at: somebody pressed the button; lease_until: a worker
-- asks now; quiet_until: Plausible asked for quiet. about: hash of the settings that the answer, JSON, is about.
CREATE TABLE email_tracking_asks (
    topic VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    about CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    wanted_at DATETIME(6) NULL,
    lease_until DATETIME(6) NULL,
    next_at DATETIME(6) NULL,
    quiet_until DATETIME(6) NULL,
    asked_at DATETIME(6) NULL,
    answered_at DATETIME(6) NULL,
    answer MEDIUMTEXT NOT NULL,
    problem VARCHAR(1000) NOT NULL DEFAULT '',
    failures INT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
