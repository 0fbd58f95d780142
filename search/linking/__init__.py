"""What belongs together: the series of one study, and the studies of one patient."""
