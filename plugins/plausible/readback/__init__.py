"""Asks Plausible what it counts, and sets the site up there; nothing here sends events."""
