"""Persons: contacts, invitations, merges, erasure, absences."""
