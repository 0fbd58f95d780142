"""From a volume to what a network or a viewer takes."""
