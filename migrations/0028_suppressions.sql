-- Addresses that get no mail, or no announcements. email: in lower case; NULL once its person was erased, when a keyed
-- hash of it stays, so that who complained is not written to again. source: who told it: a provider, 'bounce_mail',
-- 'agent', or a module. detail: the words of who told it. since: when that happened. removed_at: it gets mail
-- again; the row stays, so that what happened before does not bring it back, and the removal can be undone.
CREATE TABLE suppressions (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    email VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NULL,
    email_hash BINARY(32) NULL,
    scope ENUM('all', 'announcements') CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason ENUM('hard_bounce', 'soft_bounces', 'complaint', 'unsubscribed', 'manual')
        CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    source VARCHAR(40) NOT NULL,
    detail VARCHAR(500) NOT NULL DEFAULT '',
    since DATETIME(6) NOT NULL,
    added_by INT NULL,
    removed_at DATETIME(6) NULL,
    removed_by INT NULL,
    created_at DATETIME(6) NOT NULL,
    UNIQUE KEY suppressions_email (email, scope),
    KEY suppressions_hash (email_hash, scope),
    KEY suppressions_shown (removed_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
