"""Sends events on to a Plausible instance, and accounts for each of them."""
