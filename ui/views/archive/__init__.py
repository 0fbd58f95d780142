"""The archive page."""
