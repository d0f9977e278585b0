-- One text for many people, a mail of its own for each: `mailing` names what these mails have in common, as whoever sends
-- them calls it ("announcement:12"). The column goes to the end of the row: that is instant.
ALTER TABLE outgoing_emails ADD COLUMN mailing VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL;
ALTER TABLE outgoing_emails ADD KEY outgoing_emails_mailing (mailing, id);

-- Tickets that were opened by an answer to such a mail. A table of its own: the one of tickets is large.
CREATE TABLE mailing_answers (
    mailing VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ticket_id INT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (mailing, ticket_id),
    KEY mailing_answers_ticket (ticket_id),
    CONSTRAINT mailing_answers_ticket FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
