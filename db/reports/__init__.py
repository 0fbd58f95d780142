"""Which study each report belongs to, which version stands, and what its clauses say."""
