"""Queries of inherited risk, one module per subject."""
