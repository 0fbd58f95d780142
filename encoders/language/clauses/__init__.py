"""What each clause of a sentence says of its finding: there, absent, perhaps, or past."""
