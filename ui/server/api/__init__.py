"""The archive over HTTP: what pages and commands answer, as JSON, pictures and volumes under /api/v1."""
