-- Texts that agents write once and use again. user_id: whose it is; is_shared: whether all agents see it. body_html: as
-- app/richtext.py cleaned it, with placeholders such as {{contact.name}}.
CREATE TABLE canned_replies (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id INT NULL,
    is_shared TINYINT NOT NULL DEFAULT 0,
    title VARCHAR(100) NOT NULL,
    body_html MEDIUMTEXT NOT NULL,
    used INT NOT NULL DEFAULT 0,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    KEY canned_replies_user (user_id),
    CONSTRAINT canned_replies_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
