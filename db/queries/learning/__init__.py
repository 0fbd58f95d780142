"""What training, evaluations and self-tests ask of SQL."""
