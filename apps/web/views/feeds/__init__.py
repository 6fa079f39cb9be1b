"""Feed pages: freshness, runs with their results, changes on hold, quarantined rows."""
