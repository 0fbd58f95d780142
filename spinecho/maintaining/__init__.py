"""A home kept well: checked, mended, backed up, upgraded, its vector indexes built."""
