"""CSV files that a spreadsheet shows and never computes."""

from app.spreadsheets import MARK, cell, lines

__all__ = ["MARK", "cell", "lines"]
