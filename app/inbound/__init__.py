"""Mail that comes in: stored raw first, read and made part of a ticket afterwards."""
