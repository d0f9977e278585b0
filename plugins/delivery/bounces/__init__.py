"""Bounce mails and complaint reports: known as such, read, and led back to the copy that they tell of."""
