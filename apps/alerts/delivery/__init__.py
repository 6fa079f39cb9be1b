"""Delivery of notifications: schedule, outbox, digest, email, webhook, delivery log."""
