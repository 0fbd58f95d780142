"""Child processes with limits, in which everything untrusted is read."""
