-- When a recipient first and last read a reply on the ticket page: the portal's own knowledge, which no plugin takes back.
ALTER TABLE email_recipients
    ADD COLUMN viewed_at DATETIME(6) NULL,
    ADD COLUMN last_viewed_at DATETIME(6) NULL;

-- 'viewed' counts as read also where no plugin reports reading; an agent's "not read" goes before it.
ALTER TABLE email_recipients
    DROP COLUMN receipt,
    DROP COLUMN receipt_at,
    ADD COLUMN receipt VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (
        CASE WHEN fate = 'complained' OR fate = 'bounced' THEN fate
             WHEN replied_at IS NOT NULL THEN 'replied'
             WHEN viewed_at IS NOT NULL AND (judged IS NULL OR judged = 'read') THEN 'viewed'
             WHEN judged = 'read' THEN 'read'
             WHEN seen = 'machine' OR (seen = 'read' AND judged IS NULL) THEN seen
             ELSE fate END
    ) VIRTUAL,
    ADD COLUMN receipt_at DATETIME(6) GENERATED ALWAYS AS (
        CASE WHEN fate = 'complained' OR fate = 'bounced' THEN fate_at
             WHEN replied_at IS NOT NULL THEN replied_at
             WHEN viewed_at IS NOT NULL AND (judged IS NULL OR judged = 'read') THEN
                  IF(seen = 'read' AND seen_at < viewed_at, seen_at, viewed_at)
             WHEN judged = 'read' AND (seen IS NULL OR seen <> 'read') THEN judged_at
             WHEN seen = 'machine' OR (seen = 'read' AND (judged IS NULL OR judged = 'read')) THEN seen_at
             ELSE fate_at END
    ) VIRTUAL;

-- Settings of the portal itself that admins change in the browser; one that is not here has its default.
CREATE TABLE portal_settings (
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    value VARCHAR(1000) NOT NULL,
    updated_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Who gave their address on the page of a ticket, by the copy that brought the link. token_hash: SHA-256 of the cookie.
CREATE TABLE ticket_page_sessions (
    token_hash BINARY(32) NOT NULL PRIMARY KEY,
    recipient_id BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    last_seen_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    KEY ticket_page_sessions_end (expires_at),
    CONSTRAINT ticket_page_sessions_recipient FOREIGN KEY (recipient_id) REFERENCES email_recipients (id)
        ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
