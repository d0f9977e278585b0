"""Stored files: attachments and pasted images, wherever they belong."""
