"""A file or a sentence goes in, a unit vector comes out."""
