"""Channels beside email: Slack, Microsoft Teams and PagerDuty, with the delivery log of email."""
