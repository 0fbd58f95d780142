"""What every page stands on: the person, the settings, links, shortcuts, long work."""
