"""Who may be tracked: what contacts decided, what departments and messages want, and the page to opt out."""
