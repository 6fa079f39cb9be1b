"""Pages of issues: list, detail and responses."""
