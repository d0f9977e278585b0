-- Senders whose remote images an agent always wants to see.
CREATE TABLE shown_senders (
    user_id INT NOT NULL,
    email VARCHAR(254) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (user_id, email),
    CONSTRAINT shown_senders_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
