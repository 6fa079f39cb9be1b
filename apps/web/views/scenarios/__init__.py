"""What-if scenarios: composed in the URL, selected from lists, saved, shared, computed by a worker,
compared."""
