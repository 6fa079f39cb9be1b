"""Refresh campaigns: one event, everything that must move or be tested again because of it, and
proof that it was."""
