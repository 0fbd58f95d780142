"""What a process is set up with: settings, private files, values as typed, the parts put together."""
