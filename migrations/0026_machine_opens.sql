-- Moments at which a mail provider said that a machine opened a copy; whoever tells readers from machines asks for them.
-- is_new: nobody has looked at it since it came. source: who said so.
CREATE TABLE email_machine_opens (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    recipient_id BIGINT NOT NULL,
    opened_at DATETIME(6) NOT NULL,
    source VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    is_new TINYINT(1) NOT NULL DEFAULT 1,
    UNIQUE KEY email_machine_opens_moment (recipient_id, opened_at, source),
    KEY email_machine_opens_new (is_new, id),
    KEY email_machine_opens_time (opened_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
