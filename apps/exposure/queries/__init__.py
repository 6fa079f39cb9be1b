"""Queries of exposure, one module per subject; most read the engine's tables."""
