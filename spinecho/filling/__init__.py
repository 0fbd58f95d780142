"""How an archive is filled: sources, indexing, watching, and what a run did."""
