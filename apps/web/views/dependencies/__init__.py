"""Dependency pages: declare (by selecting from the catalogue), edit, confirm, replace, end,
reopen."""
