-- What a user wants to be told; off until they ask for it.
ALTER TABLE users
    ADD COLUMN notify_reads TINYINT(1) NOT NULL DEFAULT 0,
    ADD COLUMN notify_by_email TINYINT(1) NOT NULL DEFAULT 0;

-- That a customer read a reply, told to one user once and for ever: rows stay, so that a badge which is taken back and
-- comes again does not tell twice. Written in the recorder's transaction; without foreign keys, because each would
-- lock a row there that others are waiting for. email_wanted: as the user wished at that moment, until it is mailed
-- (emailed_at) or cannot be.
CREATE TABLE notifications (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id INT NOT NULL,
    ticket_id INT NOT NULL,
    reply_id INT NOT NULL,
    recipient_id BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    seen_at DATETIME(6) NULL,
    email_wanted TINYINT(1) NOT NULL DEFAULT 0,
    emailed_at DATETIME(6) NULL,
    UNIQUE KEY notifications_once (user_id, reply_id),
    KEY notifications_user (user_id, id),
    KEY notifications_unseen (user_id, seen_at, ticket_id),
    KEY notifications_created (created_at),
    KEY notifications_to_mail (email_wanted, emailed_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
