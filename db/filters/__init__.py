"""Conditions on studies: as values, as typed, in SQL, and resolved by the snapshot of facts."""
