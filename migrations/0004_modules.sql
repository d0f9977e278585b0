-- One row per plugin, made by `myportal migrate`. settings is JSON; secret fields in it are encrypted.
-- version grows with every change, so that each process sees it within a second.
CREATE TABLE integration_modules (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    slug VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(100) NOT NULL,
    description VARCHAR(500) NOT NULL,
    icon VARCHAR(16) NOT NULL,
    enabled TINYINT(1) NOT NULL DEFAULT 0,
    settings MEDIUMTEXT NOT NULL,
    version INT NOT NULL DEFAULT 1,
    updated_at DATETIME(6) NOT NULL,
    updated_by INT NULL,
    error_count INT NOT NULL DEFAULT 0,
    last_error VARCHAR(1000) NOT NULL DEFAULT '',
    last_error_at DATETIME(6) NULL,
    UNIQUE KEY integration_modules_slug (slug),
    CONSTRAINT integration_modules_user FOREIGN KEY (updated_by) REFERENCES users (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
