"""Who reads and encodes series: this process with its reading processes, or processes of a Ray cluster."""
