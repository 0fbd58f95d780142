"""From scores to hits that a person can check: evidence, the fold, lists, heat maps."""
