"""What search, pages and training ask of SQL. Nothing here writes studies."""
