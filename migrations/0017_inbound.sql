-- Where mail comes in. password: encrypted like the secrets of modules. uid_validity, last_uid: how far the folder was
-- read. last_*: how the last look at the server went, in words.
CREATE TABLE mailboxes (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    address VARCHAR(254) NOT NULL,
    department_id INT NULL,
    signature TEXT NOT NULL,
    fetches TINYINT(1) NOT NULL DEFAULT 0,
    host VARCHAR(253) NOT NULL DEFAULT '',
    port SMALLINT UNSIGNED NOT NULL DEFAULT 993,
    security ENUM('tls', 'starttls', 'none') NOT NULL DEFAULT 'tls',
    username VARCHAR(254) NOT NULL DEFAULT '',
    password TEXT NOT NULL,
    folder VARCHAR(200) NOT NULL DEFAULT 'INBOX',
    uid_validity BIGINT UNSIGNED NOT NULL DEFAULT 0,
    last_uid BIGINT UNSIGNED NOT NULL DEFAULT 0,
    last_look_at DATETIME(6) NULL,
    last_mail_at DATETIME(6) NULL,
    last_error VARCHAR(500) NOT NULL DEFAULT '',
    last_error_at DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    UNIQUE KEY mailboxes_address (address)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Every mail as it came, before anything looks into it. raw_key: SHA-256 of mailbox and raw bytes. mail_key: SHA-256 of
-- Message-ID, sender and content, once the mail is processed: the same mail by two ways is one.
-- state: 'new' waits, 'processed' is done (without a ticket where reason says why), 'quarantined' waits for an admin.
-- notes: JSON, what the ticket page says beside the message. supposed_ticket_id: whose ticket it claimed to answer.
CREATE TABLE inbound_mails (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    raw_key BINARY(32) NOT NULL,
    mail_key BINARY(32) NULL,
    mailbox_id INT NULL,
    source ENUM('pipe', 'lmtp', 'imap') NOT NULL,
    recipient VARCHAR(320) NOT NULL DEFAULT '',
    size INT NOT NULL,
    state ENUM('new', 'processed', 'quarantined') NOT NULL DEFAULT 'new',
    kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    reason VARCHAR(500) NOT NULL DEFAULT '',
    notes TEXT NOT NULL,
    sender VARCHAR(320) NOT NULL DEFAULT '',
    subject VARCHAR(500) NOT NULL DEFAULT '',
    attempts INT NOT NULL DEFAULT 0,
    released TINYINT(1) NOT NULL DEFAULT 0,
    next_attempt_at DATETIME(6) NOT NULL,
    lease_owner VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    lease_until DATETIME(6) NULL,
    received_at DATETIME(6) NOT NULL,
    processed_at DATETIME(6) NULL,
    ticket_id INT NULL,
    reply_id INT NULL,
    supposed_ticket_id INT NULL,
    UNIQUE KEY inbound_mails_raw (raw_key),
    UNIQUE KEY inbound_mails_mail (mail_key),
    KEY inbound_mails_due (state, next_attempt_at, id),
    KEY inbound_mails_state (state, id),
    KEY inbound_mails_reply (reply_id),
    KEY inbound_mails_ticket (ticket_id),
    KEY inbound_mails_sender (sender)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The raw bytes, each piece compressed by zlib; small enough for any max_allowed_packet.
CREATE TABLE inbound_mail_pieces (
    mail_id BIGINT NOT NULL,
    position INT NOT NULL,
    piece MEDIUMBLOB NOT NULL,
    PRIMARY KEY (mail_id, position),
    CONSTRAINT inbound_mail_pieces_mail FOREIGN KEY (mail_id) REFERENCES inbound_mails (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- How many mails a sender sent in an hour; told: that admins heard of the storm.
CREATE TABLE inbound_senders (
    sender VARCHAR(254) NOT NULL,
    hour_at DATETIME NOT NULL,
    mails INT NOT NULL DEFAULT 0,
    automatic INT NOT NULL DEFAULT 0,
    told TINYINT(1) NOT NULL DEFAULT 0,
    PRIMARY KEY (sender, hour_at),
    KEY inbound_senders_hour (hour_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Who follows a ticket without being its contact: was in copy of a mail of somebody who takes part.
CREATE TABLE ticket_followers (
    ticket_id INT NOT NULL,
    email VARCHAR(254) NOT NULL,
    name VARCHAR(200) NOT NULL DEFAULT '',
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (ticket_id, email),
    KEY ticket_followers_email (email),
    CONSTRAINT ticket_followers_ticket FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
