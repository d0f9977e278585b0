-- What providers tell of readers where the portal put neither picture nor links of its own into a copy. counted: of an
-- event that is opened or clicked, whether it counts in statistics and reports; settled when it comes. The columns go to
-- the end of the rows: that is instant. "unknown": nobody says whether a person or a machine did it.
ALTER TABLE delivery_events ADD COLUMN counted TINYINT(1) NOT NULL DEFAULT 0;

-- Sums by copy, which outlive single events; without a foreign key, like the events. events: how many they sum up.
CREATE TABLE delivery_readers (
    recipient_id BIGINT NOT NULL PRIMARY KEY,
    events INT NOT NULL DEFAULT 0,
    opens INT NOT NULL DEFAULT 0,
    machine_opens INT NOT NULL DEFAULT 0,
    unknown_opens INT NOT NULL DEFAULT 0,
    clicks INT NOT NULL DEFAULT 0,
    machine_clicks INT NOT NULL DEFAULT 0,
    unknown_clicks INT NOT NULL DEFAULT 0,
    first_opened_at DATETIME(6) NULL,
    last_opened_at DATETIME(6) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

ALTER TABLE report_days
    ADD COLUMN unknown_opens BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN unknown_clicks BIGINT NOT NULL DEFAULT 0;
ALTER TABLE report_items ADD COLUMN unknown_clicks BIGINT NOT NULL DEFAULT 0;
ALTER TABLE announcement_statistics
    ADD COLUMN unknown_opens INT NOT NULL DEFAULT 0,
    ADD COLUMN unknown_clicks INT NOT NULL DEFAULT 0;

UPDATE delivery_events AS d JOIN email_recipients AS r ON r.id = d.recipient_id
   SET d.counted = 1
 WHERE (d.kind = 'opened' AND FIND_IN_SET('opens', r.reports) = 0)
    OR (d.kind = 'clicked' AND FIND_IN_SET('clicks', r.reports) = 0);
INSERT INTO delivery_readers (recipient_id, events, opens, machine_opens, unknown_opens, clicks, machine_clicks,
                              unknown_clicks, first_opened_at, last_opened_at)
SELECT d.recipient_id, COUNT(*), SUM(d.kind = 'opened' AND d.machine <=> 0), SUM(d.kind = 'opened' AND d.machine <=> 1),
       SUM(d.kind = 'opened' AND d.machine IS NULL), SUM(d.kind = 'clicked' AND d.machine <=> 0),
       SUM(d.kind = 'clicked' AND d.machine <=> 1), SUM(d.kind = 'clicked' AND d.machine IS NULL),
       MIN(IF(d.kind = 'opened' AND d.machine <=> 0, d.happened_at, NULL)),
       MAX(IF(d.kind = 'opened' AND d.machine <=> 0, d.happened_at, NULL))
  FROM delivery_events AS d WHERE d.counted = 1 AND d.recipient_id IS NOT NULL GROUP BY d.recipient_id;
