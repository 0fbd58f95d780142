"""What people make of studies: thumbs, lists, saved searches; and the record of who did what."""
