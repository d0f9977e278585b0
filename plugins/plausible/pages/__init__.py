"""Plausible's script on the portal's own pages, and the way of its events through the portal."""
