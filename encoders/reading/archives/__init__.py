"""Zip and tar archives, read in place: what is in them has paths like `exports/a.zip!/IM0001`."""
