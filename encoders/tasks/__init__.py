"""What reading processes are asked to do, and what they give, typed again."""
