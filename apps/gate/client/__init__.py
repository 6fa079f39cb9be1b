"""Command-line client of the gate: one file of the standard library alone, published unchanged."""
