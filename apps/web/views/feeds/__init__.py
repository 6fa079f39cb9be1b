"""Feeds: can I trust this? Freshness by last success, runs with what they brought, what is held,
what was set aside."""
