"""The cohorts page."""
