"""What a process is set up with: settings, private files, values as typed, parts put together."""
