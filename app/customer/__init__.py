"""The page on which a customer reads and answers a ticket, reached by a link in the mail."""
