"""Taking out who a patient is: of headers and reports as they are indexed, and of copies of files."""
