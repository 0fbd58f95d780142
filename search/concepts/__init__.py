"""Concepts that people teach: examples, a head over stored vectors, what it says of every study, what to judge next."""
