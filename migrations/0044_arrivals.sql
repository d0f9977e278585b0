-- In a rush opens and clicks are stored by the batch, as one row that nothing else has to wait for, and become events once
-- they are judged. record: JSON, what `plugins.plausible.recording.codec` writes; events: requests that it stands for.
CREATE TABLE email_tracking_arrivals (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    arrived_at DATETIME(6) NOT NULL,
    events INT NOT NULL,
    record LONGTEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What an earlier release stored in a rush and did not judge. An event that is moved twice is known by its key.
INSERT INTO email_tracking_arrivals (arrived_at, events, record)
SELECT UTC_TIMESTAMP(6), e.repeats, JSON_ARRAY(JSON_OBJECT(
           'kind', e.event_type, 'id', e.tracking_id, 'key', LOWER(HEX(e.event_key)), 'repeats', e.repeats,
           'at', TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', e.occurred_at),
           'url', e.event_url, 'agent', e.user_agent, 'ip', e.ip_address, 'referrer', e.referrer,
           'evidence', e.evidence))
  FROM email_tracking_recipients AS s
 STRAIGHT_JOIN email_tracking_events AS e FORCE INDEX (email_tracking_events_recipient)
       ON e.recipient_id = s.recipient_id AND e.id >= s.deferred_from
 WHERE s.deferred > 0 AND e.rule = '' AND e.reason = 'not judged yet'
 ORDER BY e.id;

DELETE e
  FROM email_tracking_recipients AS s
 STRAIGHT_JOIN email_tracking_events AS e FORCE INDEX (email_tracking_events_recipient)
       ON e.recipient_id = s.recipient_id AND e.id >= s.deferred_from
 WHERE s.deferred > 0 AND e.rule = '' AND e.reason = 'not judged yet';

ALTER TABLE email_tracking_recipients DROP COLUMN deferred, DROP COLUMN deferred_from;
