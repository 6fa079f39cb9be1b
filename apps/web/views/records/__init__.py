"""Pages of editable records."""
