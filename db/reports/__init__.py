"""Which study each report belongs to, which version stands, what its clauses say, and full text over sentences."""
