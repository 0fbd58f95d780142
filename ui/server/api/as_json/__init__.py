"""What is asked and answered, as JSON."""
