"""Whom pseudonyms stand for, and copies of files without whose they are."""
