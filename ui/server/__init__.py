"""The process behind the pages, and what stands before them."""
