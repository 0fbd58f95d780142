"""The tables, their history, and opening a database of either kind."""
