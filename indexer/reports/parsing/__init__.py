"""Report files to reports, a line at a time, in a child process."""
