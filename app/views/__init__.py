"""Saved views: names for lists of tickets, one's own or for all agents."""
