"""The `spinecho` command, one file a command."""
