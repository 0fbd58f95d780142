"""NIfTI: headers, sidecars, what a file holds, and its volumes."""
