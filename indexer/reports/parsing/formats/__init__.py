"""Formats in which hospitals keep reports beside plain text and tables: one file each, listed in `every`."""
