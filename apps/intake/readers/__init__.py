"""Document readers, one module per format: bytes to a Document, and nothing else."""
