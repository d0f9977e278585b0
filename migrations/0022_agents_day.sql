-- due_at: the far future where there is none, so that one index has tickets without a due date last. snoozed_until: the
-- views Mine, Unassigned and Open leave a ticket out until then. first_reply_at, closed_at: for the dashboard; the first is
-- created_at where we opened the conversation, the other is of the last time, and NULL while the ticket is not closed.
ALTER TABLE tickets
    ADD COLUMN due_at DATETIME(6) NOT NULL DEFAULT '9999-12-31 00:00:00',
    ADD COLUMN snoozed_until DATETIME(6) NULL,
    ADD COLUMN first_reply_at DATETIME(6) NULL,
    ADD COLUMN closed_at DATETIME(6) NULL;

-- The indexes of views that leave snoozed tickets out hold snoozed_until too: those lists stay read from an index alone.
-- The two by due date do without last_receipt, because every index that has it costs each reading.
ALTER TABLE tickets
    ADD KEY tickets_due (due_at, id, active, status, priority, assignee_id),
    ADD KEY tickets_active_due (active, due_at, id, status, priority, assignee_id, snoozed_until),
    ADD KEY tickets_snoozed (snoozed_until, id, active, assignee_id),
    ADD KEY tickets_closed (closed_at, created_at, assignee_id),
    DROP KEY tickets_active,
    ADD KEY tickets_active (active, last_activity_at, id, status, priority, assignee_id, last_receipt, snoozed_until,
                            last_from),
    DROP KEY tickets_assignee,
    ADD KEY tickets_assignee (assignee_id, active, last_activity_at, id, status, priority, last_receipt, snoozed_until),
    DROP KEY tickets_active_created,
    ADD KEY tickets_active_created (active, created_at, id, status, priority, assignee_id, last_receipt, snoozed_until),
    DROP KEY tickets_active_priority,
    ADD KEY tickets_active_priority (active, priority, last_activity_at, id, status, assignee_id, last_receipt,
                                     snoozed_until),
    DROP KEY tickets_read,
    ADD KEY tickets_read (last_read_at, id, active, status, priority, assignee_id, last_receipt, snoozed_until);

-- The dashboard looks back a month; what is older needs no figures.
UPDATE tickets AS t
   SET t.first_reply_at = (SELECT IF(MIN(r.created_at) < t.created_at + INTERVAL 1 SECOND, t.created_at,
                                     MIN(r.created_at))
                             FROM ticket_replies AS r WHERE r.ticket_id = t.id AND r.kind = 'reply')
 WHERE t.created_at > UTC_TIMESTAMP(6) - INTERVAL 31 DAY;

UPDATE tickets AS t
  JOIN (SELECT h.ticket_id, MAX(h.happened_at) AS closed_at FROM ticket_history AS h
         WHERE h.field = 'status' AND h.new_value = 'closed' AND h.happened_at > UTC_TIMESTAMP(6) - INTERVAL 31 DAY
         GROUP BY h.ticket_id) AS found ON found.ticket_id = t.id
   SET t.closed_at = found.closed_at
 WHERE t.status = 'closed';

-- Names for lists of tickets. query: the arguments of /tickets, as app/tickets/listing_rules.py writes them.
CREATE TABLE saved_views (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id INT NOT NULL,
    name VARCHAR(60) NOT NULL,
    query VARCHAR(1000) NOT NULL,
    is_shared TINYINT(1) NOT NULL DEFAULT 0,
    created_at DATETIME(6) NOT NULL,
    UNIQUE KEY saved_views_name (user_id, name),
    KEY saved_views_shared (is_shared, name),
    CONSTRAINT saved_views_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
