-- Files and inline pictures that all mails of a mailing carry: one row for a file, whatever the number of mails. A draft
-- has its files here too, so that nobody throws them away as unused.
CREATE TABLE mailing_files (
    mailing VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    attachment_id INT NOT NULL,
    PRIMARY KEY (mailing, attachment_id),
    KEY mailing_files_attachment (attachment_id),
    CONSTRAINT mailing_files_attachment FOREIGN KEY (attachment_id) REFERENCES attachments (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
