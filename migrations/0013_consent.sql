-- Who may be tracked. tracking: 'inherit' (as the modules are set), 'off', 'opens', 'clicks' or 'both'.
CREATE TABLE departments (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    email VARCHAR(254) NOT NULL DEFAULT '',
    tracking VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'inherit',
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    UNIQUE KEY departments_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Without a foreign key, so that a large table takes it at once; the id of a department that is gone means none.
ALTER TABLE tickets ADD COLUMN department_id INT NULL;

-- What a contact said about being tracked: 'unknown', 'allowed' or 'refused', and where that came from.
ALTER TABLE contacts
    ADD COLUMN tracking VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'unknown',
    ADD COLUMN tracking_decided_at DATETIME(6) NULL,
    ADD COLUMN tracking_source VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    ADD COLUMN tracking_decided_by INT NULL;

-- Every such decision, to prove it. source: 'agent', 'page' (the opt-out page), 'api' or 'import'.
CREATE TABLE contact_tracking_decisions (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    contact_id INT NOT NULL,
    decision VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    decided_at DATETIME(6) NOT NULL,
    source VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id INT NULL,
    KEY contact_tracking_decisions_contact (contact_id, id),
    CONSTRAINT contact_tracking_decisions_contact FOREIGN KEY (contact_id) REFERENCES contacts (id) ON DELETE CASCADE,
    CONSTRAINT contact_tracking_decisions_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Whether who sent the mail said themselves if it is tracked; 0: as department and modules are set.
ALTER TABLE outgoing_emails ADD COLUMN tracking_said TINYINT(1) NOT NULL DEFAULT 0;

-- Why a copy is not tracked, in a sentence, as it was when it went out.
ALTER TABLE email_recipients ADD COLUMN untracked_words VARCHAR(300) NOT NULL DEFAULT '';
