"""Words that agents put on tickets, to find and to count them by."""
