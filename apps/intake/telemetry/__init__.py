"""Calls at run time: what traces, metrics and gateways tell of models in use, counted by name and
day, never kept."""
