"""What every package may use of the disk."""
