"""Causes and issues over REST, one module per resource."""
