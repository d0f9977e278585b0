"""Who speaks: each provider proves it in its own way, over the raw bytes, and before anything is believed."""
