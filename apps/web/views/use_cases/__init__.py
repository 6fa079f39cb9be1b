"""Proposed use cases: the form without an account, and the pages of governance."""
