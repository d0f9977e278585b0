"""`myportal up --demo`: sample data and a mailbox on loopback, so that a newcomer sees the badge turn green."""
