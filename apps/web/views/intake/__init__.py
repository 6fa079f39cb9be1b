"""Observed usage pages: connections, observations, discrepancies, unrecognised names."""
