-- Who has a ticket open, and whether they write. A row counts for less than a minute after seen_at; older ones are deleted
-- by and by.
CREATE TABLE ticket_presence (
    ticket_id INT NOT NULL,
    user_id INT NOT NULL,
    is_writing TINYINT NOT NULL DEFAULT 0,
    seen_at DATETIME(6) NOT NULL,
    PRIMARY KEY (ticket_id, user_id),
    KEY ticket_presence_seen (seen_at),
    KEY ticket_presence_user (user_id),
    CONSTRAINT ticket_presence_ticket FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_presence_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
