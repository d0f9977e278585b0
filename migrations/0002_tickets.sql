-- words: those of name and addresses, for the search, as app/words.py writes them, in UTF-8.
CREATE TABLE contacts (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(200) NOT NULL,
    email VARCHAR(254) NOT NULL,
    words VARBINARY(8000) NOT NULL DEFAULT '',
    notes TEXT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    KEY contacts_name (name, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Every address a contact writes from; contacts.email is the one we write to first.
CREATE TABLE contact_addresses (
    email VARCHAR(254) NOT NULL PRIMARY KEY,
    contact_id INT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    KEY contact_addresses_contact (contact_id),
    CONSTRAINT contact_addresses_contact FOREIGN KEY (contact_id) REFERENCES contacts (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- `active` is status <> 'closed', kept beside it so that one index serves "not closed, newest first".
-- last_receipt is the badge of the last reply that went out, kept here so that the list can filter by it.
-- Each index from tickets_activity on is one order of the ticket list and holds all that the list filters by: a page is
-- read from the index alone, and a filter that matches little still costs one pass over an index.
CREATE TABLE tickets (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    subject VARCHAR(500) NOT NULL,
    contact_id INT NOT NULL,
    status ENUM('open', 'pending', 'closed') NOT NULL DEFAULT 'open',
    active TINYINT(1) NOT NULL DEFAULT 1,
    priority ENUM('low', 'normal', 'high', 'urgent') NOT NULL DEFAULT 'normal',
    assignee_id INT NULL,
    created_by INT NULL,
    created_at DATETIME(6) NOT NULL,
    last_activity_at DATETIME(6) NOT NULL,
    last_from ENUM('customer', 'agent') NOT NULL DEFAULT 'customer',
    last_snippet VARCHAR(200) NOT NULL DEFAULT '',
    last_reply_id INT NULL,
    last_receipt VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
    KEY tickets_contact (contact_id, last_activity_at, id),
    KEY tickets_activity (last_activity_at, id, active, status, priority, assignee_id, last_receipt),
    KEY tickets_active (active, last_activity_at, id, status, priority, assignee_id, last_receipt),
    KEY tickets_assignee (assignee_id, active, last_activity_at, id, status, priority, last_receipt),
    KEY tickets_created (created_at, id, active, status, priority, assignee_id, last_receipt),
    KEY tickets_active_created (active, created_at, id, status, priority, assignee_id, last_receipt),
    KEY tickets_priority (priority, last_activity_at, id, active, status, assignee_id, last_receipt),
    KEY tickets_active_priority (active, priority, last_activity_at, id, status, assignee_id, last_receipt),
    CONSTRAINT tickets_contact FOREIGN KEY (contact_id) REFERENCES contacts (id),
    CONSTRAINT tickets_assignee FOREIGN KEY (assignee_id) REFERENCES users (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What the search looks through: every word of a ticket (subject, contact, messages) once, between single spaces, as
-- app/words.py writes them. Bytes of UTF-8, because the server looks through bytes three times as fast as through text.
CREATE TABLE ticket_words (
    ticket_id INT NOT NULL PRIMARY KEY,
    words MEDIUMBLOB NOT NULL,
    CONSTRAINT ticket_words_ticket FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The same words again, a row for each message that brought new ones, for a full-text index over rows that never
-- change: InnoDB keeps the old words of a changed row and skips them in every search until the table is optimised.
CREATE TABLE ticket_new_words (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    ticket_id INT NOT NULL,
    words MEDIUMTEXT NOT NULL,
    KEY ticket_new_words_ticket (ticket_id),
    FULLTEXT KEY ticket_new_words_words (words),
    CONSTRAINT ticket_new_words_ticket FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The conversation: kind 'reply' went out by mail, 'note' stays inside, 'customer' came in.
-- is_html is 0 where body_html was made by us from plain text.
-- once: the form that brought it, so that a form that is sent twice answers once.
CREATE TABLE ticket_replies (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    ticket_id INT NOT NULL,
    kind ENUM('reply', 'note', 'customer') NOT NULL,
    author_user_id INT NULL,
    contact_id INT NULL,
    body_html MEDIUMTEXT NOT NULL,
    body_text MEDIUMTEXT NOT NULL,
    is_html TINYINT(1) NOT NULL DEFAULT 1,
    message_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
    once VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at DATETIME(6) NOT NULL,
    KEY ticket_replies_ticket (ticket_id, id),
    KEY ticket_replies_message (message_id),
    KEY ticket_replies_once (once),
    CONSTRAINT ticket_replies_ticket FOREIGN KEY (ticket_id) REFERENCES tickets (id),
    CONSTRAINT ticket_replies_author FOREIGN KEY (author_user_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT ticket_replies_contact FOREIGN KEY (contact_id) REFERENCES contacts (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE ticket_history (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    ticket_id INT NOT NULL,
    happened_at DATETIME(6) NOT NULL,
    user_id INT NULL,
    field VARCHAR(32) NOT NULL,
    old_value VARCHAR(500) NOT NULL DEFAULT '',
    new_value VARCHAR(500) NOT NULL DEFAULT '',
    KEY ticket_history_ticket (ticket_id, id),
    CONSTRAINT ticket_history_ticket FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_history_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What an agent is writing and has not sent; one per agent and ticket.
CREATE TABLE drafts (
    user_id INT NOT NULL,
    ticket_id INT NOT NULL,
    kind ENUM('reply', 'note') NOT NULL DEFAULT 'reply',
    body_html MEDIUMTEXT NOT NULL,
    to_line TEXT NOT NULL,
    cc_line TEXT NOT NULL,
    bcc_line TEXT NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    PRIMARY KEY (user_id, ticket_id),
    KEY drafts_ticket (ticket_id),
    CONSTRAINT drafts_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT drafts_ticket FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Files and pasted images. reply_id stays NULL until the reply that carries them is sent.
CREATE TABLE attachments (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    ticket_id INT NULL,
    reply_id INT NULL,
    uploaded_by INT NULL,
    filename VARCHAR(255) NOT NULL,
    content_type VARCHAR(100) NOT NULL,
    size INT NOT NULL,
    is_inline TINYINT(1) NOT NULL DEFAULT 0,
    content_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NULL,
    content LONGBLOB NOT NULL,
    created_at DATETIME(6) NOT NULL,
    KEY attachments_reply (reply_id),
    KEY attachments_ticket (ticket_id),
    KEY attachments_unused (reply_id, created_at),
    CONSTRAINT attachments_ticket FOREIGN KEY (ticket_id) REFERENCES tickets (id),
    CONSTRAINT attachments_reply FOREIGN KEY (reply_id) REFERENCES ticket_replies (id),
    CONSTRAINT attachments_user FOREIGN KEY (uploaded_by) REFERENCES users (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
