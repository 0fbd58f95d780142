"""What `spinecho train` runs: plans, jobs, measures."""
