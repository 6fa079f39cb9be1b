"""Alerts: what was I told, what did I do, what do I want to hear; and the proof of who was told
what."""
