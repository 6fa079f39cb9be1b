"""Slack: messages, calls of its API, and requests that users make by buttons in messages."""
