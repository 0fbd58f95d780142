"""What stands around every request: who asks, limits, problems, cursors, repeats, figures."""
