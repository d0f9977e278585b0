-- Whether somebody reported a copy as delivered, whatever became of it later: a mail that bounces after that is bounced,
-- and yet shows that deliveries are reported. Instant, at the end of the rows.
ALTER TABLE email_recipients ADD COLUMN arrived TINYINT(1) NOT NULL DEFAULT 0;
ALTER TABLE report_days ADD COLUMN reported INT NOT NULL DEFAULT 0;

-- Of those that are delivered now their fate says it.
UPDATE email_recipients AS r JOIN delivery_events AS d ON d.recipient_id = r.id AND d.kind = 'delivered'
   SET r.arrived = 1 WHERE r.fate = 'bounced';

-- The worker counts all of it anew.
UPDATE report_rebuild SET next_day = (SELECT MIN(day) FROM report_days) WHERE id = 1 AND next_day IS NULL;
