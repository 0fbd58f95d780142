"""What training reads: examples, crops, variants, cached features, and in what order."""
