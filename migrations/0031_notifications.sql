-- What a user wants to be told: words of app/notifications/rules.py, separated by commas; mailed_of: also by mail.
-- notify_reads and notify_by_email are read by nobody any more; they stay for processes that run while this is applied.
ALTER TABLE users
    ADD COLUMN told_of VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
        DEFAULT 'assigned,customer,mention,due,bounce',
    ADD COLUMN mailed_of VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'mention';

UPDATE users SET told_of = CONCAT(told_of, ',read')
 WHERE notify_reads = 1 AND NOT FIND_IN_SET('read', told_of);

UPDATE users SET mailed_of = CONCAT(mailed_of, ',read')
 WHERE notify_by_email = 1 AND NOT FIND_IN_SET('read', mailed_of);

-- recipient_id is of kind 'read' only. actor_id: the user who did it. words: what names and ticket do not say.
-- once: what is told to a user once and for ever, such as 'read:12' of reply 12; NULL for what is news each time.
ALTER TABLE notifications
    MODIFY reply_id INT NULL,
    MODIFY recipient_id BIGINT NULL,
    ADD COLUMN kind VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'read',
    ADD COLUMN actor_id INT NULL,
    ADD COLUMN words VARCHAR(500) NOT NULL DEFAULT '',
    ADD COLUMN once VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NULL;

UPDATE notifications SET once = CONCAT('read:', reply_id) WHERE kind = 'read' AND once IS NULL;

ALTER TABLE notifications
    ADD UNIQUE KEY notifications_told_once (user_id, once),
    ADD KEY notifications_kind (user_id, kind, id),
    DROP KEY notifications_once;

-- Agents who follow a ticket that is not theirs. ticket_followers has people outside.
CREATE TABLE ticket_watchers (
    ticket_id INT NOT NULL,
    user_id INT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (ticket_id, user_id),
    KEY ticket_watchers_user (user_id),
    CONSTRAINT ticket_watchers_ticket FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    CONSTRAINT ticket_watchers_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
