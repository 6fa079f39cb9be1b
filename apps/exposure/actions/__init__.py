"""Writes of the exposure app: event handling, evaluation of flags and decisions, policies and
settings."""
