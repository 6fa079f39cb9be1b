"""Alerts as the notifications of issues: links, responses and timeline."""
