"""Addresses that get no mail: because mail to them bounces, because they complained, or because somebody said so."""
