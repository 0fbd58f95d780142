"""An archive of another machine, over its HTTP API."""
