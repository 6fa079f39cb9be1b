"""Refresh campaigns: opening one, how far it is, and the tasks in it."""
