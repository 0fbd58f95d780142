"""Whom pseudonyms stand for: a database of its own, which no search opens."""
