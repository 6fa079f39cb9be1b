"""Inherited risk over REST, one module per resource."""
