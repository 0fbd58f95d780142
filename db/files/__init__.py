"""The file index: what lies where, what has been read of it, runs, and what is not indexed."""
