"""Where a scan speaks for words, on one scale for every study, and whether that may be believed here."""
