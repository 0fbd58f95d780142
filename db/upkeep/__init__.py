"""The database as a whole: whether it is what was written, and what is made of it kept up to it and to this version."""
