"""Storing and removing what was read, and what it makes of studies and patients."""
