"""Reminders before a day comes: retirements of models, and what expires or falls due."""
