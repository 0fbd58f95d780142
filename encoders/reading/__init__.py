"""From files to headers and volumes."""
