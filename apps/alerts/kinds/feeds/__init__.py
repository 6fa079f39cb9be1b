"""Alerts about feeds: back-fill, values on hold, sources that are late or not updating."""
