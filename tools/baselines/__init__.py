"""What the product offered at a known state, kept as files, and how the present differs from it."""
