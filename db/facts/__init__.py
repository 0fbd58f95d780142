"""The facts of every volume in columns: a copy of SQL that filters and counts a million series in milliseconds."""
