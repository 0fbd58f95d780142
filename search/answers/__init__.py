"""From scores to hits that a person can check: what was found, the fold, lists."""
