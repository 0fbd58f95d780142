"""Public data sets as they are published: a reader for each layout, and the questions that all are asked."""
