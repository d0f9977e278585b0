-- What is known of a copy, by who says it, so that a plugin's word can be taken back. seen: what a plugin says of reading
-- now, replaced by its next word. fate: what became of the mail itself, which only gets worse. replied_at: the recipient
-- answered. judged: an agent's correction of `seen`; no foreign key for judged_by, since its index would cost every copy.
ALTER TABLE email_recipients
    ADD COLUMN seen ENUM('machine', 'read') CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN seen_at DATETIME(6) NULL,
    ADD COLUMN last_seen_at DATETIME(6) NULL,
    ADD COLUMN seen_words VARCHAR(200) NOT NULL DEFAULT '',
    ADD COLUMN fate ENUM('delivered', 'bounced', 'complained') CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN fate_at DATETIME(6) NULL,
    ADD COLUMN replied_at DATETIME(6) NULL,
    ADD COLUMN judged ENUM('read', 'unread') CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN judged_by INT NULL,
    ADD COLUMN judged_at DATETIME(6) NULL;

UPDATE email_recipients
   SET seen = IF(receipt IN ('machine', 'read'), receipt, NULL),
       seen_at = IF(receipt IN ('machine', 'read'), receipt_at, NULL),
       last_seen_at = IF(receipt IN ('machine', 'read'), receipt_at, NULL),
       fate = IF(receipt IN ('delivered', 'bounced', 'complained'), receipt, NULL),
       fate_at = IF(receipt IN ('delivered', 'bounced', 'complained'), receipt_at, NULL),
       replied_at = IF(receipt = 'replied', receipt_at, NULL)
 WHERE receipt IS NOT NULL;

-- receipt, receipt_at: what the badge shows of all that, and since when.
ALTER TABLE email_recipients
    DROP COLUMN receipt,
    DROP COLUMN receipt_at,
    ADD COLUMN receipt VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (
        CASE WHEN fate = 'complained' OR fate = 'bounced' THEN fate
             WHEN replied_at IS NOT NULL THEN 'replied'
             WHEN judged = 'read' THEN 'read'
             WHEN seen = 'machine' OR (seen = 'read' AND judged IS NULL) THEN seen
             ELSE fate END
    ) VIRTUAL,
    ADD COLUMN receipt_at DATETIME(6) GENERATED ALWAYS AS (
        CASE WHEN fate = 'complained' OR fate = 'bounced' THEN fate_at
             WHEN replied_at IS NOT NULL THEN replied_at
             WHEN judged = 'read' AND (seen IS NULL OR seen <> 'read') THEN judged_at
             WHEN seen = 'machine' OR (seen = 'read' AND (judged IS NULL OR judged = 'read')) THEN seen_at
             ELSE fate_at END
    ) VIRTUAL;

-- When the last reply was last read, as far as is known; the list can be sorted by it. One index serves all views: it is
-- the only one that each reading changes, while one for open tickets alone would be a second.
ALTER TABLE tickets
    ADD COLUMN last_read_at DATETIME(6) NULL,
    ADD KEY tickets_read (last_read_at, id, active, status, priority, assignee_id, last_receipt);

UPDATE tickets AS t
  JOIN outgoing_emails AS e ON e.reply_id = t.last_reply_id
  JOIN (SELECT email_id, MAX(COALESCE(replied_at, last_seen_at)) AS read_at
          FROM email_recipients WHERE receipt IN ('read', 'replied') GROUP BY email_id) AS found ON found.email_id = e.id
   SET t.last_read_at = found.read_at;
