"""Benchmarks: each is one command, `python -m bench.<name>`, and prints its results as a table."""
