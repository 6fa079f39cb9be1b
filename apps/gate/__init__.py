"""The gate: whether what a pipeline is about to ship stands on foundations that will hold and are
allowed."""
