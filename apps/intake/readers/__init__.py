"""One module a format: bytes to a Document, and nothing else."""
