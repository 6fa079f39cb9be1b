"""Reads of exposure, one module per subject; the engine's tables are the source of most."""
