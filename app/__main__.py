"""`python -m app` is `myportal`."""

from app.cli import main

main()
