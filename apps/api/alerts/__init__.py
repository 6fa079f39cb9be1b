"""Alerts over REST, one module per resource."""
