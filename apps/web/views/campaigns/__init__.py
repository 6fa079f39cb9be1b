"""Migration campaigns: creating one, its progress, and its tasks."""
