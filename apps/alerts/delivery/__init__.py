"""From notices to messages: schedule, outbox, digest, email, webhook, delivery log."""
