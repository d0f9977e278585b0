"""The scripts of app/static in a real Chromium, against a small server that plays the portal."""
