"""Images elsewhere that a customer's mail names: shown when an agent asks, through this portal only."""
