"""Work that is too long for a request: a queue in the home, and processes that take from it."""
