"""What is minimised: self-supervision, alignment, words and their losses."""
