-- What of a copy is in the reports: bits in the order of app/reports/models.py. The end of the row: that is instant.
ALTER TABLE email_recipients ADD COLUMN counted SMALLINT UNSIGNED NOT NULL DEFAULT 0;

-- Under what a reply's mail is counted, settled when it was written: day (UTC), who wrote it, department and tags of its
-- ticket (JSON, ids) at that moment. 0: nobody, or none. Without foreign keys: figures outlive what they are about.
CREATE TABLE report_mails (
    email_id BIGINT NOT NULL PRIMARY KEY,
    day DATE NOT NULL,
    queued_at DATETIME(6) NOT NULL,
    agent_id INT NOT NULL DEFAULT 0,
    department_id INT NOT NULL DEFAULT 0,
    tags VARCHAR(2000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '[]',
    KEY report_mails_day (day, email_id),
    KEY report_mails_queued (queued_at, email_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The summary, kept in the transactions that change what it sums up. tag_id 0 has every mail once; a mail with tags is
-- counted under each of them besides. detailed: 1 by agent and department, 0 the same without them (both are 0 then), so
-- that a report over years reads few rows. shard: writers add to different rows, so that none waits for another's commit; a
-- single shard may be below zero, only the sum counts.
CREATE TABLE report_days (
    detailed TINYINT(1) NOT NULL,
    tag_id INT NOT NULL,
    day DATE NOT NULL,
    agent_id INT NOT NULL,
    department_id INT NOT NULL,
    shard TINYINT UNSIGNED NOT NULL,
    recipients INT NOT NULL DEFAULT 0,
    sent INT NOT NULL DEFAULT 0,
    failed INT NOT NULL DEFAULT 0,
    delivered INT NOT NULL DEFAULT 0,
    bounced INT NOT NULL DEFAULT 0,
    complained INT NOT NULL DEFAULT 0,
    tracked INT NOT NULL DEFAULT 0,
    opened INT NOT NULL DEFAULT 0,
    machine_only INT NOT NULL DEFAULT 0,
    replied INT NOT NULL DEFAULT 0,
    readers INT NOT NULL DEFAULT 0,
    clicked INT NOT NULL DEFAULT 0,
    opens BIGINT NOT NULL DEFAULT 0,
    machine_opens BIGINT NOT NULL DEFAULT 0,
    clicks BIGINT NOT NULL DEFAULT 0,
    machine_clicks BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (detailed, tag_id, day, agent_id, department_id, shard),
    KEY report_days_day (day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The same by link and by mail program. item_key: a hash of the name; name: host and path of a link, or the program.
CREATE TABLE report_items (
    kind ENUM('client', 'link') CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    detailed TINYINT(1) NOT NULL,
    tag_id INT NOT NULL,
    day DATE NOT NULL,
    agent_id INT NOT NULL,
    department_id INT NOT NULL,
    item_key BINARY(8) NOT NULL,
    shard TINYINT UNSIGNED NOT NULL,
    name VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    opens BIGINT NOT NULL DEFAULT 0,
    machine_opens BIGINT NOT NULL DEFAULT 0,
    clicks BIGINT NOT NULL DEFAULT 0,
    machine_clicks BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, detailed, tag_id, day, agent_id, department_id, item_key, shard),
    KEY report_items_day (day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- One row: how far the days were counted anew. next_day: the day that comes next; NULL where nothing is to be done. What
-- was sent before there were reports is counted by the worker.
CREATE TABLE report_rebuild (
    id TINYINT NOT NULL PRIMARY KEY,
    next_day DATE NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

INSERT INTO report_rebuild (id, next_day)
SELECT 1, DATE(MIN(created_at)) FROM outgoing_emails;
