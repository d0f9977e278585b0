-- In a rush events are stored first and judged afterwards: how many of a copy wait for it, and the lowest id they may
-- have. They have no rule, and the reason 'not judged yet'. The end of the row: that is instant.
ALTER TABLE email_tracking_recipients
    ADD COLUMN deferred INT NOT NULL DEFAULT 0,
    ADD COLUMN deferred_from BIGINT NOT NULL DEFAULT 0;
