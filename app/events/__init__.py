"""What happened to mails, one by one: the outbox's own events and those of the modules, merged by time."""
