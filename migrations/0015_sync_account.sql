-- An exact account of the sync. is_person: whether the event is a person's as it is judged now, kept up when that changes,
-- so that what waits is told apart without reading the events. The column goes to the end of the row: that is instant.
-- The key by recipient is for changes of judgement and for erasure.
ALTER TABLE email_tracking_outbox
    ADD COLUMN is_person TINYINT NOT NULL DEFAULT 1,
    ADD KEY email_tracking_outbox_person (is_person),
    ADD KEY email_tracking_outbox_recipient (recipient_id);
