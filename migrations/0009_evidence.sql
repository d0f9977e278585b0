-- Who made each request, and what of it is kept to say so again when later requests put it in another light.
-- evidence: JSON, see plugins/plausible/evidence.py. Everything sits at the end of the row: a large table takes it at once.
ALTER TABLE email_tracking_events
    ADD COLUMN class VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    ADD COLUMN rule VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    ADD COLUMN confidence DECIMAL(3, 2) NOT NULL DEFAULT 0,
    ADD COLUMN reason VARCHAR(200) NOT NULL DEFAULT '',
    ADD COLUMN evidence TEXT NULL;

-- What all requests of one copy come to. open_count and click_count count everything; person_* and machine_* what a
-- person and what a program did (our own looks are neither). version grows with each change, so that a process knows
-- whether what it remembers of the copy is still all there is.
ALTER TABLE email_tracking_recipients
    ADD COLUMN reply_id INT NOT NULL DEFAULT 0,
    ADD COLUMN event_count INT NOT NULL DEFAULT 0,
    ADD COLUMN person_opens INT NOT NULL DEFAULT 0,
    ADD COLUMN machine_opens INT NOT NULL DEFAULT 0,
    ADD COLUMN person_clicks INT NOT NULL DEFAULT 0,
    ADD COLUMN machine_clicks INT NOT NULL DEFAULT 0,
    ADD COLUMN first_read_at DATETIME(6) NULL,
    ADD COLUMN last_read_at DATETIME(6) NULL,
    ADD COLUMN state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'none',
    ADD COLUMN words VARCHAR(200) NOT NULL DEFAULT '',
    ADD COLUMN pending_until DATETIME(6) NULL,
    ADD COLUMN version INT NOT NULL DEFAULT 0;

UPDATE email_tracking_recipients AS s
  JOIN email_recipients AS r ON r.id = s.recipient_id
  JOIN outgoing_emails AS e ON e.id = r.email_id
   SET s.reply_id = e.reply_id
 WHERE e.reply_id IS NOT NULL;

-- What was recorded before is classified by the worker, oldest first.
UPDATE email_tracking_recipients AS s
  JOIN (SELECT recipient_id, COUNT(*) AS events FROM email_tracking_events GROUP BY recipient_id) AS found
    ON found.recipient_id = s.recipient_id
   SET s.event_count = found.events, s.version = 1, s.pending_until = '2000-01-01';

ALTER TABLE email_tracking_recipients
    ADD KEY email_tracking_recipients_reply (reply_id),
    ADD KEY email_tracking_recipients_pending (pending_until);

-- By class and rule, so that a page shows how much machines open without counting events. What was counted before
-- has no class.
CREATE TABLE email_tracking_days (
    day DATE NOT NULL,
    event_type ENUM('open', 'click') NOT NULL,
    class VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    rule VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    shard TINYINT UNSIGNED NOT NULL,
    events BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (day, event_type, class, rule, shard)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

INSERT INTO email_tracking_days (day, event_type, class, rule, shard, events)
SELECT day, event_type, '', '', shard, events FROM email_tracking_daily;

DROP TABLE email_tracking_daily;

RENAME TABLE email_tracking_days TO email_tracking_daily;

-- How far `myportal reclassify` came, so that a run that was cut short goes on.
CREATE TABLE email_tracking_reclassify (
    id TINYINT NOT NULL PRIMARY KEY,
    since DATETIME(6) NULL,
    after_recipient_id BIGINT NOT NULL DEFAULT 0,
    copies BIGINT NOT NULL DEFAULT 0,
    events BIGINT NOT NULL DEFAULT 0,
    badges BIGINT NOT NULL DEFAULT 0,
    started_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The few copies that agents judged otherwise, for the export that helps to mend the rules.
ALTER TABLE email_recipients
    ADD KEY email_recipients_judged (judged_at);
