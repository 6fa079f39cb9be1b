"""Migration campaigns: after one event, the tasks that migrate or test again all affected
dependencies, and the evidence."""
