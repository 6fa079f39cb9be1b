"""Feed pages: freshness by last success, runs with what they brought, changes on hold, quarantined
rows."""
