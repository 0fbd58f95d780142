"""The components that run in the browser."""
