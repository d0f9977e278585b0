-- Admin → Events finds mails by address. Made while others read and write the table.
ALTER TABLE email_recipients ADD KEY email_recipients_address (email), ALGORITHM = INPLACE, LOCK = NONE;
