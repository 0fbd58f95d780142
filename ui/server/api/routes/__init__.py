"""Routes of the archive as a whole, and of what people make of it: cohorts, thumbs, jobs."""
