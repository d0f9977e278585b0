-- When a copy's recipient was erased; nothing more is recorded of it, its links go on leading where they lead.
ALTER TABLE email_recipients ADD COLUMN erased_at DATETIME(6) NULL;

-- Erasing a contact is a job: who asked for what, and how far each part of the portal has come. person: whom it is
-- about (names, addresses), encrypted, needed until every part is done and emptied then.
CREATE TABLE contact_erasures (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    contact_id INT NOT NULL,
    requested_by INT NULL,
    requested_at DATETIME(6) NOT NULL,
    keeps_ours TINYINT(1) NOT NULL DEFAULT 0,
    person MEDIUMTEXT NOT NULL,
    finished_at DATETIME(6) NULL,
    KEY contact_erasures_contact (contact_id, id),
    KEY contact_erasures_open (finished_at),
    CONSTRAINT contact_erasures_user FOREIGN KEY (requested_by) REFERENCES users (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- part: 'portal', or the slug of a module. counts: JSON, rows that went, by what they were.
CREATE TABLE contact_erasure_parts (
    erasure_id INT NOT NULL,
    part VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state ENUM('waiting', 'failed', 'done') NOT NULL DEFAULT 'waiting',
    counts TEXT NOT NULL,
    words VARCHAR(1000) NOT NULL DEFAULT '',
    attempts INT NOT NULL DEFAULT 0,
    next_at DATETIME(6) NOT NULL,
    done_at DATETIME(6) NULL,
    PRIMARY KEY (erasure_id, part),
    KEY contact_erasure_parts_due (state, next_at),
    CONSTRAINT contact_erasure_parts_erasure FOREIGN KEY (erasure_id) REFERENCES contact_erasures (id)
        ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The last nightly run of each part.
CREATE TABLE privacy_runs (
    part VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    started_at DATETIME(6) NOT NULL,
    finished_at DATETIME(6) NULL,
    counts TEXT NOT NULL,
    problem VARCHAR(1000) NOT NULL DEFAULT ''
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- How far the table of events was gone through, by what for.
CREATE TABLE email_tracking_passes (
    name VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    after_id BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
