"""Who else has a ticket open, and who writes: told to each other on the ticket's page."""
