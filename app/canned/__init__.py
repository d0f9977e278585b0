"""Canned replies: texts that agents write once and use again, with placeholders that a ticket fills."""
