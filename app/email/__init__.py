"""Email out: addresses, messages, SMTP, and (with the database) the outbox and its worker."""
