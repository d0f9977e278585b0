-- What modules want to know later of one copy as it went out; each module has one note, replaced with each try.
CREATE TABLE email_copy_notes (
    recipient_id BIGINT NOT NULL,
    slug VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (recipient_id, slug),
    CONSTRAINT email_copy_notes_recipient FOREIGN KEY (recipient_id) REFERENCES email_recipients (id)
        ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- sending_at: when the last try handed the copy over; of a copy that is sent, the try that succeeded. sent_at is later:
-- the mail server took it then. In between the copy may be opened already.
ALTER TABLE email_recipients ADD COLUMN sending_at DATETIME(6) NULL AFTER lease_until;

-- From where people who are logged in have worked of late, as a keyed hash; forgotten after 30 days.
CREATE TABLE agent_addresses (
    address_hash BINARY(16) NOT NULL PRIMARY KEY,
    seen_at DATETIME(6) NOT NULL,
    KEY agent_addresses_seen (seen_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
