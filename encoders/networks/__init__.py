"""The networks: volumes and sentences to unit vectors."""
