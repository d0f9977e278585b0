-- undo_seconds: how long a reply of this user can be taken back before it is handed to the mail server.
ALTER TABLE users ADD COLUMN undo_seconds TINYINT UNSIGNED NOT NULL DEFAULT 10;

-- Replies that can still be taken back. Their copies are in the outbox and due at `until`: whatever becomes of the page or
-- of a process, they go out then, once. form: JSON of app/tickets/holding.py, what the composer gets back. Rows are
-- thrown away once they are past.
CREATE TABLE held_replies (
    reply_id INT NOT NULL PRIMARY KEY,
    user_id INT NOT NULL,
    until DATETIME(6) NOT NULL,
    form MEDIUMTEXT NOT NULL,
    KEY held_replies_until (until),
    KEY held_replies_user (user_id),
    CONSTRAINT held_replies_reply FOREIGN KEY (reply_id) REFERENCES ticket_replies (id) ON DELETE CASCADE,
    CONSTRAINT held_replies_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- extra: JSON with the ids of files that are not sent yet, and with the choice of tracking.
ALTER TABLE drafts ADD COLUMN extra TEXT NULL;
